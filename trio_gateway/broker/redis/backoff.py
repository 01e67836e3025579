"""Reconnecting waits with full jitter, so that many nodes do not come back in step."""

from __future__ import annotations

import random

FIRST = 0.05
LONGEST = 2.0


class Backoff:
    """Give growing, random waits (seconds): anything from 0 to a bound that doubles from `first` up to `longest`."""

    def __init__(self, first: float = FIRST, longest: float = LONGEST) -> None:
        self._first = self._bound = first
        self._longest = longest

    def next(self) -> float:
        """Give the next wait."""
        bound, self._bound = self._bound, min(self._longest, self._bound * 2)
        return random.uniform(0, bound)  # noqa: S311  # no secret

    def reset(self) -> None:
        """Begin anew, after a success."""
        self._bound = self._first
