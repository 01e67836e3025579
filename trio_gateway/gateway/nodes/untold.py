"""What the application has not heard of yet, each with its own time: one that it never takes holds up no other.

It knows no clock: times are seconds of one, and the caller says what time it is.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Sequence
from typing import Final

import attrs

from trio_gateway.hooks.requests import DisconnectedRequest

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 30.0
"""Seconds until what was not heard is told again: at least half of a bound that doubles, at most all of it."""


@attrs.define(order=False)
class Ending:
    """Hold an end that is to be told, since when, and how long it waits where it is not heard now."""

    request: DisconnectedRequest
    since: float
    pause: float = FIRST_PAUSE


class Untold:
    """Hold ends by the time at which they are told."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Ending]] = []
        self._count = itertools.count()

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def next_due(self) -> float:
        """Give the time at which the first is due; infinity where there is none."""
        return self._heap[0][0] if self._heap else math.inf

    def add(self, request: DisconnectedRequest, now: float) -> None:
        """Have an end told at once."""
        self._push(now, Ending(request, now))

    def add_again(self, ending: Ending, now: float) -> None:
        """Have an end told again, later."""
        due = now + random.uniform(ending.pause / 2, ending.pause)  # noqa: S311 - jitter, not a secret
        ending.pause = min(LONGEST_PAUSE, 2 * ending.pause)
        self._push(due, ending)

    def take(self, most: int, now: float) -> Sequence[Ending]:
        """Take out those that are due, the first ones first."""
        taken: list[Ending] = []
        while self._heap and len(taken) < most and self.next_due <= now:
            taken.append(heapq.heappop(self._heap)[2])
        return taken

    def _push(self, due: float, ending: Ending) -> None:
        heapq.heappush(self._heap, (due, next(self._count), ending))
