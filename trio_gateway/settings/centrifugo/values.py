"""Centrifugo writes some values otherwise than we do: its durations, log levels and regular expressions are read here."""

from __future__ import annotations

import re
from typing import Any

from trio_gateway.settings.duration import duration
from trio_gateway.settings.kind import Kind
from trio_gateway.settings.kinds import PUBLIC_KEYS, compiles

LEVELS = {
    "trace": "debug",
    "debug": "debug",
    "info": "info",
    "warn": "warning",
    "error": "error",
    "fatal": "error",
    "none": "error",
}
"""There is nothing quieter than `error` here."""

GLOBAL_FLAGS = re.compile(r"\(\?([ims]+)\)")
ANYTHING = r"[\s\S]*"


def is_off(value: Any) -> bool:
    """Tell whether a value asks for nothing: false, 0, empty, or a word that says so."""
    return not value or (isinstance(value, str) and value.strip().lower() in ("", "0", "0s", "f", "false"))


def _duration(raw: Any) -> float:
    # A bare number is nanoseconds there and seconds here.
    if not isinstance(raw, str) or not raw[-1:].isalpha():
        raise ValueError("not text with a unit")
    return duration(raw)


def _level(raw: Any) -> str:
    if not isinstance(raw, str) or raw not in LEVELS:
        raise ValueError("not a level")
    return LEVELS[raw]


def _regex(raw: Any) -> str:
    r"""Say in Python's words what Go's regexp finds anywhere in a name; `\d` and `\w` are ASCII there."""
    if not isinstance(raw, str) or "[:" in raw:
        raise ValueError("not a regular expression that Python has too")
    flags = GLOBAL_FLAGS.match(raw)
    scope, body = (flags[1], raw[flags.end() :]) if flags else ("", raw)
    return compiles(f"{ANYTHING}(?a{scope}:{compiles(body)}){ANYTHING}")


DURATION = Kind('a duration in quotes with its unit, such as "300s", "5m", "720h"', _duration, "DURATION")
LEVEL = Kind("none, trace, debug, info, warn, error or fatal", _level, "LEVEL")
REGEX = Kind("a regular expression that Python has too, without [[:classes:]]", _regex, "REGEX")
ONE = Kind("text", lambda raw: (raw,), "TEXT")
"""One key, where ours is a list of them."""

PUBLIC_KEY = Kind("a public key as PEM text, or the path of a PEM file", lambda raw: PUBLIC_KEYS.read([raw]), "KEY")
AS_IS = Kind("", lambda raw: raw, "")
"""What our option reads by itself."""
