"""Who of this node's clients is in which channel: told to the store when it changes, renewed before its time runs out.

What the store did not take is tried again, and what it lost is put back at the next renewal. When a
node is killed its members run out by themselves.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import trio

from trio_gateway.broker.broker import Broker, Leave, Renewal
from trio_gateway.model.errors import BrokerUnavailable, RequestError
from trio_gateway.model.logger import get_logger
from trio_gateway.model.presence import Member

SLOTS = 30
"""Channels are renewed in so many groups, one after another, so that the store is asked for little at a time."""

RENEWED = 0.45
"""Of a member's time, after which it is renewed: a failed renewal can be made good once (27 s of 60, as the reference has it)."""

MAX_PENDING = 100_000
"""Leaves that wait while the store is away; beyond it members run out by themselves."""

RETRY_SECONDS = 0.5

log = get_logger(__name__)


class Presence:
    """Hold this node's members; `ttl` is how long (seconds) the store believes in them without a renewal.

    They are renewed `every` so many seconds (0: in the usual part of `ttl`).
    """

    def __init__(self, broker: Broker, ttl: float, *, every: float = 0) -> None:
        self._broker = broker
        self._ttl = ttl
        self._tick = (every or ttl * RENEWED) / SLOTS
        self._here: dict[str, dict[str, Member]] = {}
        self._ring: list[dict[str, None]] = [{} for _ in range(SLOTS)]
        self._leaves: dict[Leave, None] = {}
        self._arrived = trio.Event()

    async def join(self, channel: str, member: Member) -> None:
        """Put a member into a channel; where the store is away it is put there by a renewal later."""
        self._keep(channel, member)
        try:
            await self._broker.join(channel, member, ttl=self._ttl)
        except BrokerUnavailable:
            log.debug("a member joins later", channel=channel, client=member.client)

    async def join_limited(self, channel: str, member: Member, limit: int) -> bool:
        """Put a member into a channel where fewer than `limit` others are (0: no limit); tells whether it is there.

        Raises BrokerUnavailable; it is not there then.
        """
        self._keep(channel, member)
        entered = False
        try:
            entered = await self._broker.join(channel, member, ttl=self._ttl, limit=limit)
        finally:
            if not entered:
                self.leave_nowait(channel, member.client)  # it may be there all the same, where nobody answered
        return entered

    async def leave(self, channel: str, client: str) -> None:
        """Take a member out of a channel; where the store is away that is tried again later."""
        self._forget(channel, client)
        try:
            await self._broker.leave((Leave(channel, client),))
        except BrokerUnavailable:
            self._add_leave(channel, client)
        except BaseException:  # cut off: nobody knows whether the store heard it
            self._add_leave(channel, client)
            raise

    def leave_nowait(self, channel: str, client: str) -> None:
        """Take a member out of a channel soon, together with others who leave."""
        self._forget(channel, client)
        self._add_leave(channel, client)

    async def renew(self) -> None:
        """Renew all members now, and put back whom the store lost; while it is away try again."""
        for slot in range(SLOTS):
            await self._renew_slot(slot)

    async def serve(self) -> None:
        """Write leaves and renew members until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._write_leaves)
            nursery.start_soon(self._renew_in_turn)

    async def flush(self) -> None:
        """Write the leaves that are pending; raises BrokerUnavailable where some could not be written."""
        leaves, self._leaves = self._leaves, {}
        if not leaves:
            return
        try:
            await self._broker.leave(tuple(leaves))
        except BaseException:
            for leave in leaves:
                self._add_leave(leave.channel, leave.client)
            raise

    def _keep(self, channel: str, member: Member) -> None:
        self._leaves.pop(Leave(channel, member.client), None)
        members = self._here.get(channel)
        if members is None:
            members = self._here[channel] = {}
            self._slot(channel)[channel] = None
        members[member.client] = member

    def _forget(self, channel: str, client: str) -> None:
        members = self._here.get(channel)
        if members is None:
            return
        members.pop(client, None)
        if not members:
            del self._here[channel]
            del self._slot(channel)[channel]

    def _slot(self, channel: str) -> dict[str, None]:
        return self._ring[hash(channel) % SLOTS]

    def _add_leave(self, channel: str, client: str) -> None:
        if client in self._here.get(channel, ()):
            return  # it came back meanwhile
        if len(self._leaves) < MAX_PENDING:
            self._leaves[Leave(channel, client)] = None
            self._arrived.set()

    async def _write_leaves(self) -> None:
        while True:
            await self._arrived.wait()
            await trio.lowlevel.checkpoint()  # whoever leaves in the same turn goes along
            self._arrived = trio.Event()
            try:
                await self.flush()
            except BrokerUnavailable:
                self._arrived.set()
                await trio.sleep(random.uniform(0, RETRY_SECONDS))  # noqa: S311 - jitter, not a secret

    async def _renew_in_turn(self) -> None:
        slot, due = 0, trio.current_time()
        while True:
            # After the store was away what is overdue is made good at once, but not more than one round.
            due = max(due, trio.current_time() - self._tick * SLOTS) + self._tick
            await trio.sleep_until(due)
            slot = (slot + 1) % SLOTS
            await self._renew_slot(slot)

    async def _renew_slot(self, slot: int) -> None:
        """Renew a group of channels; while the store is away try again."""
        while True:
            renewals = [Renewal(channel, tuple(self._here[channel])) for channel in self._ring[slot]]
            try:
                await self._renew(renewals)
            except BrokerUnavailable:
                await trio.sleep(random.uniform(0, RETRY_SECONDS))  # noqa: S311 - jitter, not a secret
            else:
                return

    async def _renew(self, renewals: Sequence[Renewal]) -> None:
        missing = await self._broker.renew(renewals, ttl=self._ttl) if renewals else ()
        for renewal, clients in zip(renewals, missing, strict=True):
            for client in clients:
                await self._put_back(renewal.channel, client)

    async def _put_back(self, channel: str, client: str) -> None:
        member = self._here.get(channel, {}).get(client)
        if member is None:
            return
        try:
            await self._broker.join(channel, member, ttl=self._ttl)
        except RequestError as error:  # the channel's namespace was taken away
            log.debug("a member can't be put back", channel=channel, client=client, error=str(error))
