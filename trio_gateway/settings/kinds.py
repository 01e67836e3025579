"""A kind of value knows how it is written, what is allowed, and the words that say so in an error."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs

from trio_gateway.settings.duration import DAY, duration

SHORTEST = 0.001
"""Seconds; Redis counts in milliseconds, and a shorter one would become none at all."""

LONGEST = 3650 * DAY
"""Seconds; longer is a slip of the keyboard, and Redis refuses expiries past 2**63 ms."""

LARGEST = 2**31 - 1
"""What every place that gets a count (a socket option, MAXLEN, a C int) takes."""

HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?")
SLUG = re.compile(r"[A-Za-z0-9_.-]{1,64}")
REDIS_SCHEMES = ("redis", "rediss", "unix")
TRUTH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


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
        _require(smallest <= raw <= largest, raw)
        return raw

    return Kind(expected or f"a whole number from {smallest} to {largest}", read, sign)


def seconds(*, zero: bool) -> Kind:
    """Make the kind of durations, kept as seconds; `zero` says whether 0 is one."""

    def read(raw: Any) -> float:
        value = duration(raw)
        _require(SHORTEST <= value <= LONGEST or (zero and value == 0), value)
        return value

    least = "from 0s" if zero else "from 1ms"
    expected = f'seconds or a duration such as "10s", "5m", "7d", {least} to 3650d'
    return Kind(expected, read, "DURATION", written)


def written(value: float) -> str:
    """Write a duration in the largest unit that holds it in whole numbers, such as `5m`; 0 is `0s`."""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if value and round(value * 1000) % size == 0:
            return f"{round(value * 1000) // size}{unit}"
    return f"{round(value * 1000)}ms" if value else "0s"


def choice(*words: str) -> Kind:
    """Make the kind of a few words."""
    return Kind(" or ".join(words), lambda raw: _require(raw in words, raw), "|".join(words))


def many(one: Kind, *, expected: str) -> Kind:
    """Make the kind of lists: an array in TOML, comma-separated in text; kept as a tuple."""

    def read(raw: Any) -> tuple[Any, ...]:
        items = raw.split(",") if isinstance(raw, str) else raw
        if not isinstance(items, Iterable) or isinstance(items, dict):
            raise ValueError("not a list")
        return tuple(one.read(item.strip() if isinstance(item, str) else item) for item in items)

    return Kind(expected, read, one.sign, list, many=True)


def matching(pattern: re.Pattern[str], expected: str, sign: str) -> Kind:
    """Make the kind of text that matches a pattern."""
    return Kind(expected, lambda raw: _require(bool(pattern.fullmatch(_text(raw))), raw), sign)


def _require(holds: bool, value: Any) -> Any:
    if not holds:
        raise ValueError("out of range")
    return value


def _text(raw: Any) -> str:
    if not isinstance(raw, str) or not raw.strip() or not raw.isprintable():
        raise ValueError("not text")
    return raw


def _secret(raw: Any) -> str:
    # What `trio-gateway config` prints in a secret's place must never become one.
    return str(_require(_text(raw) != "***", raw))


def _host(raw: Any) -> str:
    try:
        return str(ipaddress.ip_address(_text(raw)))
    except ValueError:
        return str(_require(bool(HOST_NAME.fullmatch(_text(raw))), raw))


def _redis_url(raw: Any) -> str:
    parts = urlsplit(_text(raw))
    _require(parts.scheme in REDIS_SCHEMES and bool(parts.path if parts.scheme == "unix" else parts.hostname), raw)
    _ = parts.port  # raises ValueError where it is no number
    return str(raw)


def _origins(raw: Any) -> str:
    text = _text(raw)
    # Without a scheme it could match no origin, and nobody would learn why all are refused.
    return str(_require("://" in text or "*" in text or text == "null", raw))


def _flag(raw: Any) -> bool:
    if isinstance(raw, str) and raw.lower() in TRUTH:
        return TRUTH[raw.lower()]
    return bool(_require(isinstance(raw, bool), raw))


def _path(raw: Any) -> Path:
    return Path(_text(str(raw) if isinstance(raw, Path) else raw)).expanduser()


PORT = whole(0, 65_535, expected="a port from 0 to 65535 (0: any free one)", sign="PORT")
COUNT = whole(1)
COUNT_OR_NONE = whole(0)
DURATION = seconds(zero=False)
DURATION_OR_NONE = seconds(zero=True)
HOST = Kind("a host name or an IP address without a port", _host, "HOST")
REDIS_URL = Kind("a URL such as redis://:password@host:6379/0, rediss://… or unix:///path", _redis_url, "URL")
SECRET = Kind("text that is not empty, and no ***", _secret, "SECRET")
FLAG = Kind("true or false", _flag, "", flag=True)
DIRECTORY = Kind("the path of a directory", _path, "DIR", str)
PREFIX = matching(re.compile(r"[A-Za-z0-9_.:-]{1,64}"), "1 to 64 of A-Z a-z 0-9 _ . : -", "PREFIX")
NAME = matching(SLUG, "1 to 64 of A-Z a-z 0-9 _ . -", "NAME")
PATTERNS = many(Kind("", _origins, "PATTERN"), expected="globs over whole origins, such as https://*.example.com")
NETWORKS = many(
    Kind("", lambda raw: str(ipaddress.ip_network(_text(raw), strict=False)), "NETWORK"),
    expected="IP addresses or networks, such as 10.0.0.0/8",
)
