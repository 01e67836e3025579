"""How long to stay away after a lost connection: exponential with full jitter.

Full jitter (any time between nothing and the bound) spreads the clients of a server that went away
evenly over the bound; see "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
"""

from __future__ import annotations

import random
from collections.abc import Callable

FIRST_BOUND = 0.5
LAST_BOUND = 20.0
"""Seconds; those of the Centrifugo SDKs."""


class Backoff:
    """Hand out delays, each a random share of a bound that doubles from 0.5 to 20 seconds."""

    def __init__(self, share: Callable[[], float] = random.random) -> None:
        self._share = share
        self._bound = FIRST_BOUND

    def next(self) -> float:
        """Give the next delay in seconds."""
        bound, self._bound = self._bound, min(2 * self._bound, LAST_BOUND)
        return self._share() * bound

    def reset(self) -> None:
        """Begin again at the first bound, after a connection that was worth its name."""
        self._bound = FIRST_BOUND
