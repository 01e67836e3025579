"""Reconnecting waits with full jitter, so that many nodes do not come back in step."""

from __future__ import annotations

import random

FIRST = 0.05
LONGEST = 2.0


class Backoff:
    """Give growing, random waits (seconds)."""

    def __init__(self) -> None:
        self._bound = FIRST

    def next(self) -> float:
        """Give the next wait: anything from 0 to a bound that doubles from 50 ms up to 2 s."""
        bound, self._bound = self._bound, min(LONGEST, self._bound * 2)
        return random.uniform(0, bound)  # noqa: S311  # no secret

    def reset(self) -> None:
        """Begin anew, after a success."""
        self._bound = FIRST
