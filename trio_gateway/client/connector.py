"""One connection after the other, until the server says not to come back or the block is left."""

from __future__ import annotations

import logging
from collections.abc import Callable

import trio

from trio_gateway.client.backoff import Backoff
from trio_gateway.client.delivery import Delivery
from trio_gateway.client.errors import LinkLost
from trio_gateway.client.link import Link

STABLE_SECONDS = 5.0
"""A connection that lived so long after its hello was worth its name: the next loss begins at the first bound."""

# The standard library's, since this runs inside other people's programs, whose logging is their own choice.
logger = logging.getLogger(__name__)


class Connector:
    """Keep a connection open as long as it runs."""

    def __init__(self, make_link: Callable[[Callable[[], None]], Link], delivery: Delivery, backoff: Backoff) -> None:
        self._make_link = make_link
        self._delivery = delivery
        self._backoff = backoff
        self._waiting = trio.lowlevel.ParkingLot()
        self._link: Link | None = None
        self._end: Exception | None = None
        self._told = ""
        self._was_ready = False

    async def run(self) -> None:
        """Connect again and again; ends with the first error that is for good."""
        while True:
            self._link = self._make_link(self._wake)
            verdict = await self._link.run()
            if not isinstance(verdict, LinkLost):
                self._finish(verdict)
                return
            await self._stay_away(verdict, self._link.greeted_at)

    def leave(self) -> None:
        """Let whoever still holds the inbox know that its block was left."""
        self._finish(trio.ClosedResourceError("the block of connect() was left"))

    async def open_link(self) -> Link:
        """Wait for a connection that is open; raises the error that ended them all."""
        return await self._wait_for(lambda link: link.open)

    async def wait_ready(self) -> None:
        """Wait until a connection is open and every channel subscribed; raises the error that ended them all."""
        await self._wait_for(lambda link: link.ready)

    async def _wait_for(self, condition: Callable[[Link], bool]) -> Link:
        while self._link is None or not condition(self._link):
            if self._end is not None:
                raise self._end
            await self._waiting.park()
        return self._link

    async def _stay_away(self, lost: LinkLost, greeted_at: float) -> None:
        if trio.current_time() - greeted_at >= STABLE_SECONDS:
            self._backoff.reset()
        seconds = lost.delay if lost.exact else lost.delay + self._backoff.next()
        self._tell(lost, seconds)
        await trio.sleep(seconds)

    def _tell(self, lost: LinkLost, seconds: float) -> None:
        """Tell why there is no connection: once, and again when the reason is another one."""
        if str(lost) != self._told:
            self._told = str(lost)
            logger.info("%s; connecting again", lost)
        logger.debug("the next attempt is in %.1f s", seconds)

    def _wake(self) -> None:
        if self._link is not None and self._link.ready:
            if self._told and self._was_ready:
                logger.info("connected again")
            self._told, self._was_ready = "", True
        self._waiting.unpark_all()

    def _finish(self, error: Exception) -> None:
        self._end = self._end or error
        self._delivery.buffer.end(self._end)
        self._wake()
