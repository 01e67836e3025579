"""That the machine runs short is told when it begins and when it is over, however often it is met in between."""

from __future__ import annotations

import math

import trio

from trio_gateway.model.logger import get_logger
from trio_gateway.model.reason import reason_of

CALM_SECONDS = 5.0
"""Without a failure, before it is over: while clients come and go, one descriptor is free now and then."""

log = get_logger(__name__)


class Shortage:
    """Know whether accepting fails for want of descriptors or memory, and until when that counts."""

    def __init__(self) -> None:
        self._began = self._met = -math.inf

    @property
    def lasts(self) -> bool:
        """Tell whether it was met and not yet told to be over."""
        return self._met > -math.inf

    @property
    def ends_at(self) -> float:
        """Give the time (of Trio's clock) at which it is over, unless it is met again."""
        return self._met + CALM_SECONDS

    def meet(self, error: OSError) -> None:
        """Note a failure; the first one is told."""
        now = trio.current_time()
        if not self.lasts:
            self._began = now
            log.warning("can't accept connections now", error=reason_of(error))
        self._met = now

    def end(self) -> None:
        """Tell that it is over, and how long it took in seconds."""
        log.info("accepting connections again", seconds=round(self._met - self._began, 1))
        self._began = self._met = -math.inf
