"""Valkey's own log: kept in the data directory, bounded, and quoted where Valkey ends unasked."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

LOG = "valkey.log"
MAX_BYTES = 1_048_576
ROTATE_SECONDS = 3600.0
"""Valkey writes some ten lines per rewrite of its file; an hour of complaints about a slow disk is below 1 MB."""

QUOTED_BYTES = 4096
QUOTED_LINES = 3
PREFIX = re.compile(r"^\d+:[A-Z] \d+ \w+ \d+ [\d:.]+ [.*#-] ")
"""The pid, role, time and level before each line."""


def rotate(log: Path) -> None:
    """Set the log aside as `….1`, in place of the one before, when it is large; Valkey opens it anew for each line."""
    # Where the disk refuses, a log that grows is better than a gateway that ends.
    with contextlib.suppress(OSError):
        if log.stat().st_size > MAX_BYTES:
            log.replace(log.with_name(log.name + ".1"))


def size_of(log: Path) -> int:
    """Tell where the next line will begin, in bytes."""
    return log.stat().st_size if log.exists() else 0


def quote(log: Path, start: int) -> str:
    """Give the last words since the offset `start`, in one line; empty where nothing was written."""
    try:
        with log.open("rb") as file:
            size = size_of(log)
            # A log that was turned over since is shorter than `start`.
            file.seek(max(start if start <= size else 0, size - QUOTED_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    lines = [PREFIX.sub("", line).strip() for line in text.splitlines()]
    return " | ".join([line for line in lines if line][-QUOTED_LINES:])
