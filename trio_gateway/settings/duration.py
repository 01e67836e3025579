"""A duration is seconds, or text such as `300s`, `5m`, `12h`, `7d`."""

from __future__ import annotations

import re

MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR
UNITS = {"ms": 0.001, "s": 1.0, "m": MINUTE, "h": HOUR, "d": DAY}
PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def duration(value: float | str) -> float:
    """Read a duration in seconds.

    Takes a number of seconds, or parts such as `1h30m`. Raises ValueError when it is neither.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"a duration is seconds or text such as '5m', not {value!r}")
    if not isinstance(value, str):
        return float(value)
    if re.fullmatch(r"\d+(\.\d+)?", value):
        return float(value)
    if not re.fullmatch(rf"(?:{PART.pattern})+", value):
        raise ValueError(f"a duration is seconds or text such as '300s', '5m', '7d', not {value!r}")
    return sum(float(number) * UNITS[unit] for number, unit in PART.findall(value))
