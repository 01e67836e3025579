"""A kind of value knows how it is written, what is allowed, and the words that say so in an error."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from trio_gateway.settings.duration import DAY, duration

SHORTEST = 0.001
"""Seconds; Redis counts in milliseconds, and a shorter one would become none at all."""

LONGEST = 3650 * DAY
"""Seconds; longer is a slip of the keyboard, and Redis refuses expiries past 2**63 ms."""

LARGEST = 2**31 - 1
"""What every place that gets a count (a socket option, MAXLEN, a C int) takes."""


@attrs.frozen
class Kind:
    """Read one kind of value from text or TOML.

    `expected` completes "expected …"; `read` raises ValueError for anything else; `sign` stands for
    the value in a usage line; `write` turns a value back into what TOML holds.
    """

    expected: str
    read: Callable[[Any], Any]
    sign: str
    write: Callable[[Any], Any] = lambda value: value
    many: bool = False
    flag: bool = False


def whole(smallest: int, largest: int = LARGEST, *, expected: str = "", sign: str = "N") -> Kind:
    """Make the kind of whole numbers from `smallest` to `largest`."""

    def read(raw: Any) -> int:
        if isinstance(raw, str) and re.fullmatch(r"[0-9]{1,20}", raw.replace("_", "")):
            raw = int(raw.replace("_", ""))
        if isinstance(raw, bool) or not isinstance(raw, int):
            raise ValueError("not a whole number")
        require(smallest <= raw <= largest, raw)
        return raw

    return Kind(expected or f"a whole number from {smallest} to {largest}", read, sign)


def seconds(*, zero: bool, least: float = SHORTEST) -> Kind:
    """Make the kind of durations from `least`, kept as seconds; `zero` says whether 0 is one as well."""

    def read(raw: Any) -> float:
        value = duration(raw)
        require(least <= value <= LONGEST or (zero and value == 0), value)
        return value

    first = "0s" if zero else written(least)
    expected = f'seconds or a duration such as "10s", "5m", "7d", from {first} to 3650d'
    return Kind(expected, read, "DURATION", written)


def written(value: float) -> str:
    """Write a duration in the largest unit that holds it in whole numbers, such as `5m`; 0 is `0s`."""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if value and round(value * 1000) % size == 0:
            return f"{round(value * 1000) // size}{unit}"
    return f"{round(value * 1000)}ms" if value else "0s"


def choice(*words: str) -> Kind:
    """Make the kind of a few words."""
    return Kind(" or ".join(words), lambda raw: require(raw in words, raw), "|".join(words))


def many(one: Kind, *, expected: str) -> Kind:
    """Make the kind of lists: an array in TOML, comma-separated in text; kept as a tuple."""

    def read(raw: Any) -> tuple[Any, ...]:
        items = raw.split(",") if isinstance(raw, str) else raw
        if not isinstance(items, Iterable) or isinstance(items, dict):
            raise ValueError("not a list")
        return tuple(one.read(item.strip() if isinstance(item, str) else item) for item in items)

    return Kind(expected, read, one.sign, lambda values: [one.write(value) for value in values], many=True)


def matching(pattern: re.Pattern[str], expected: str, sign: str) -> Kind:
    """Make the kind of text that matches a pattern."""
    return Kind(expected, lambda raw: require(bool(pattern.fullmatch(text(raw))), raw), sign)


def require(holds: bool, value: Any) -> Any:
    """Return the value, or raise ValueError where something that must hold does not."""
    if not holds:
        raise ValueError("out of range")
    return value


def text(raw: Any) -> str:
    """Return text that can be printed; raises ValueError for anything else, or nothing but blanks."""
    if not isinstance(raw, str) or not raw.strip() or not raw.isprintable():
        raise ValueError("not text")
    return raw
