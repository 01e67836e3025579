"""A connection is one link after another to the same address: lost, waited for, made again.

Nothing is ever sent twice: what was outstanding on a lost link has failed, and the caller decides.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import outcome
import trio
from redis import exceptions

from trio_gateway.broker.redis.address import Address
from trio_gateway.broker.redis.backoff import Backoff
from trio_gateway.broker.redis.handshake import ServerUnusable, greet
from trio_gateway.broker.redis.link import Argument, Bounds, Command, Link, TakePushes, ignore_pushes
from trio_gateway.model.logger import get_logger
from trio_gateway.model.reason import reason_of

CONNECT_SECONDS = 2.0
PREPARE_SECONDS = 10.0
"""For all that follows the connect: a node may follow 15,000 channels again."""

STEADY_SECONDS = 2.0
"""A link that lived this long makes the next waits short again."""

log = get_logger(__name__)

Prepare = Callable[[Link], Awaitable[None]]
Open = Callable[[], Awaitable[trio.abc.Stream]]


class Connection:
    """Keep a link to a server; `name` is what it is for, in logs and in CLIENT LIST."""

    def __init__(
        self,
        address: Address,
        name: str,
        *,
        prepare: Prepare,
        note_lost: Callable[[], None] | None = None,
        take_pushes: TakePushes = ignore_pushes,
        bounds: Bounds | None = None,
        open_stream: Open | None = None,
    ) -> None:
        self.bounds = bounds or Bounds()
        self._address = address
        self._name = name
        self._prepare = prepare
        self._take_pushes = take_pushes
        self._tell_lost = note_lost
        self._open = open_stream or address.open_stream
        self._link: Link | None = None
        self._changed = trio.Event()
        self._reason = "not connected yet"
        self._lost_at = -math.inf
        self._announced = False

    @property
    def link(self) -> Link | None:
        """Show the link, None while there is none."""
        return None if self._link is None or self._link.lost else self._link

    @property
    def reason(self) -> str | None:
        """Say why there is no link, None while there is one."""
        if self.link is not None:
            return None
        why = self._reason if self._link is None else self._link.reason
        return f"no connection to {self._address.shown}: {why}"

    async def serve(self) -> None:
        """Keep connecting until cancelled."""
        backoff = Backoff()
        self._lost_at = trio.current_time()
        while True:
            started = trio.current_time()
            await self._live()
            if trio.current_time() - started >= STEADY_SECONDS:
                backoff.reset()
            await trio.sleep(backoff.next())

    async def call(self, *command: Argument) -> Any:
        """Send one command and wait for its reply.

        Raises redis.exceptions as `Link.call` does; ConnectionError also where no link came in time.
        """
        link = self.link or await self.wait_link()
        return await link.call(*command)

    async def call_all(self, commands: Sequence[Command]) -> list[outcome.Outcome[Any]]:
        """Send commands together and wait for all replies; answers each one's outcome. Raises as `call` does."""
        link = self.link or await self.wait_link()
        return await link.call_all(commands)

    async def wait_link(self) -> Link:
        """Wait for a link that was lost just now; raises ConnectionError, with the reason, when it stays away.

        In a longer outage nobody waits: patience is counted from the loss.
        """
        with trio.move_on_at(self._lost_at + self.bounds.patience):
            await self.wait_up()
        if self.link is not None:
            return self.link
        raise exceptions.ConnectionError(self.reason or "the connection was lost")

    async def wait_up(self) -> None:
        """Wait until there is a link, however long it takes."""
        while self.link is None:
            await self._changed.wait()

    def reconnect_nowait(self, reason: str) -> None:
        """Give the present link up and make another."""
        if self._link is not None:
            self._link.close_nowait(reason)

    async def _live(self) -> None:
        """Open one link and serve it until it is lost."""
        try:
            with trio.fail_after(CONNECT_SECONDS):
                stream = await self._open()
        except (OSError, trio.BrokenResourceError) as error:
            self._note_lost(reason_of(error))
        except trio.TooSlowError:
            self._note_lost(f"no connection within {CONNECT_SECONDS:g} s")
        else:
            await self._serve_link(Link(stream, self.bounds, self._take_pushes))

    async def _serve_link(self, link: Link) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(link.run)
            if reason := await self._refused(link):
                link.close_nowait(reason)
            else:
                self._note_connected(link)
        if self._tell_lost is not None:
            self._tell_lost()
        self._note_lost(link.reason)

    async def _refused(self, link: Link) -> str | None:
        try:
            with trio.fail_after(PREPARE_SECONDS):
                await greet(link, self._address, self._name)
                await self._prepare(link)
        except (ServerUnusable, exceptions.RedisError) as error:
            return str(error)
        except trio.TooSlowError:
            return f"not ready within {PREPARE_SECONDS:g} s"
        return None

    def _note_connected(self, link: Link) -> None:
        self._link = link
        self._announced = False
        self._changed.set()
        self._changed = trio.Event()
        log.info("connected to Redis", link=self._name, address=self._address.shown)

    def _note_lost(self, reason: str) -> None:
        """Remember why; says it once per outage, not per try."""
        if self._link is not None:
            self._link = None
            self._lost_at = trio.current_time()
        self._reason = reason
        if not self._announced:
            self._announced = True
            log.warning("no connection to Redis; trying again", link=self._name, reason=reason)
