"""That a client has gone is told to the application at least once, whatever becomes of this node meanwhile.

Each client is on record in the store (`record.py`) from before it is greeted until the application has
heard of its end: what a node can't tell any more is told by another one (`lost_nodes.py`).
"""

from __future__ import annotations

import math
from collections import deque
from contextlib import suppress
from typing import Final

import trio

from trio_gateway.broker.broker import Broker, Leave
from trio_gateway.gateway.nodes.record import HOLDERS_CHANNEL, RECORD_SECONDS, Record, ended, request_of
from trio_gateway.gateway.nodes.survey import NODES_CHANNEL
from trio_gateway.gateway.nodes.telling import AT_ONCE, Telling
from trio_gateway.gateway.nodes.untold import Ending, Untold
from trio_gateway.hooks.hooks import Disconnected
from trio_gateway.hooks.requests import DisconnectedRequest
from trio_gateway.hub.woken import Woken
from trio_gateway.model.codes import DisconnectCode
from trio_gateway.model.errors import BrokerUnavailable
from trio_gateway.model.logger import get_logger
from trio_gateway.model.presence import Member
from trio_gateway.model.seldom import Seldom
from trio_gateway.session.client import Client

RECORDS_PER_CONNECTION: Final = 4
"""Of `max_connections`: more clients than that are not on record, while the application is away for long."""

MAX_WAITING: Final = 100_000
"""Ends that wait to be told with their codes; of those beyond it the record alone knows who has gone."""

log = get_logger(__name__)


class Departures:
    """Tell the application, by the hook `disconnected`, which clients of the node `uid` have gone; without a hook there is nothing to do.

    `ttl` is how long (seconds) the presence of a node lasts without it.
    """

    def __init__(
        self, uid: str, broker: Broker, hook: Disconnected | None, *, max_connections: int, ttl: float
    ) -> None:
        self._uid = uid
        self._broker = broker
        self._ttl = ttl
        self._is_served = hook is not None
        self._telling = Telling(hook)
        self._record = Record(uid, broker, limit=RECORDS_PER_CONNECTION * max_connections)
        self._held_until = -math.inf
        self._was_cut_off = False
        self._here: set[str] = set()
        self._untold = Untold()
        self._waiting = 0
        self._beyond: deque[str] = deque()
        self._turns = trio.Semaphore(AT_ONCE)
        self._woken = Woken()
        self._settled = trio.Event()
        self._without_record, self._given_up = Seldom(), Seldom()

    @property
    def pending(self) -> int:
        """Count the ends that the application has not heard of."""
        return self._waiting + len(self._beyond)

    @property
    def was_cut_off(self) -> bool:
        """Tell whether this node could not say for long that it is here, and the record was not renewed since."""
        return self._was_cut_off

    async def hold(self) -> None:
        """Say that this node has a record, which others tell from where it is gone; raises BrokerUnavailable."""
        me = Member(self._uid, "", b"{}")
        now = trio.current_time()
        self._was_cut_off |= now >= self._held_until
        # First that it is here: who has a record and is not seen among the nodes counts as gone.
        await self._broker.join(NODES_CHANNEL, me, ttl=self._ttl)
        await self._broker.join(HOLDERS_CHANNEL, me, ttl=RECORD_SECONDS)
        self._held_until = now + self._ttl / 2

    async def renew(self) -> None:
        """Put back at once what is missing of the record; waits while the store is away."""
        self._was_cut_off = False
        await self._record.renew()

    async def begin(self, client: Client) -> None:
        """Put a client on record, before it is greeted; raises BrokerUnavailable, and it is on none then."""
        if not self._is_served:
            return
        if trio.current_time() >= self._held_until:
            await self.hold()  # cut off since, this node may count as gone, and its record as told
        if not await self._record.put(client) and (clients := self._without_record.count(trio.current_time())):
            log.warning("clients are on no record, as there are too many", clients=clients, limit=len(self._record))
        self._here.add(client.id)

    def end_nowait(self, client: Client, disconnect: DisconnectCode | None) -> None:
        """Tell soon how a client ended; None for one that was not let in after all, of which nothing is told."""
        if client.id not in self._here:
            return
        self._here.discard(client.id)
        if disconnect is None:
            self._record.strike_nowait(client.id)
        elif self._waiting < MAX_WAITING:
            self._tell_soon(ended(client, disconnect, self._uid))
        elif self._record.get(client.id):
            self._beyond.append(client.id)
        else:
            self._warn_given_up()

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Tell of ends, and keep the record, until cancelled."""
        task_status.started()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._record.serve)
            while True:
                with trio.move_on_at(self._untold.next_due):
                    await self._woken.wait()
                for ending in self._untold.take(AT_ONCE, trio.current_time()):
                    await self._turns.acquire()
                    nursery.start_soon(self._tell, ending)

    async def flush(self) -> None:
        """Wait until the application has heard of all ends, and bring the record up to date; the caller has the deadline.

        A record on which nobody is left is none: no other node needs to look for it.
        """
        while self.pending:
            await self._settled.wait()
        with suppress(BrokerUnavailable):
            await self._record.flush()
            if not self._record:
                await self._broker.leave((Leave(HOLDERS_CHANNEL, self._uid),))
                self._held_until = -math.inf

    async def tell(self, request: DisconnectedRequest) -> bool:
        """Tell of an end, which may be one of another node's client; answers whether the application has heard it."""
        return await self._telling.tell(request)

    async def _tell(self, ending: Ending) -> None:
        """Tell of an end, in its turn, and have it told again later where it is not heard."""
        try:
            heard = await self._telling.tell(ending.request)
        finally:
            self._turns.release()
        now = trio.current_time()
        if heard:
            self._settle(ending)
        elif now - ending.since < RECORD_SECONDS:
            self._untold.add_again(ending, now)
            self._woken.set()
        else:
            self._warn_given_up()
            self._settle(ending)

    def _tell_soon(self, request: DisconnectedRequest) -> None:
        self._waiting += 1
        self._untold.add(request, trio.current_time())
        self._woken.set()

    def _settle(self, ending: Ending) -> None:
        """Have done with an end, and take up one that had no room."""
        self._record.strike_nowait(ending.request.client.id)
        self._waiting -= 1
        while self._beyond and self._waiting < MAX_WAITING:
            if member := self._record.get(self._beyond.popleft()):
                self._tell_soon(request_of(member, self._uid))
        if not self.pending:
            self._settled.set()
            self._settled = trio.Event()

    def _warn_given_up(self) -> None:
        if clients := self._given_up.count(trio.current_time()):
            log.warning("the application was not told of the end of clients", clients=clients)
