"""The clients of a node that was killed are told to have gone by any node that is left.

A node is alive as long as it is in the presence by which surveys know it, which runs out by itself. Who
finds one missing, twice in a row, claims its record: the claim is a presence of one place that runs out
too, so that what a claimant can't finish is finished by the next. A node that was only cut off is left
alone as soon as it is seen again, and puts back what was taken off its record meanwhile.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

import trio

from trio_gateway.broker.broker import Broker, Leave
from trio_gateway.gateway.nodes.departures import Departures
from trio_gateway.gateway.nodes.record import HOLDERS_CHANNEL, part_of, parts_of, request_of
from trio_gateway.gateway.nodes.survey import NODES_CHANNEL
from trio_gateway.gateway.nodes.telling import AT_ONCE
from trio_gateway.model.channel import RESERVED_PREFIX
from trio_gateway.model.errors import BrokerUnavailable
from trio_gateway.model.logger import get_logger
from trio_gateway.model.presence import Member

LOOKS: Final = 4
"""In the time that a node's presence lasts."""

CLAIM_SECONDS: Final = 60.0
"""For AT_ONCE ends to be told: twice as long as the slowest may take; then the claim is renewed."""

log = get_logger(__name__)


class LostNodes:
    """Look for lost nodes, as the node `uid`; `ttl` is how long (seconds) the presence of a node lasts without it."""

    def __init__(self, uid: str, broker: Broker, departures: Departures, *, ttl: float) -> None:
        self._uid = uid
        self._broker = broker
        self._departures = departures
        self._pause = ttl / LOOKS
        self._me = Member(uid, "", b"{}")
        self._logged: set[str] = set()

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Have a record, and look for lost nodes, until cancelled."""
        task_status.started()
        missing: frozenset[str] = frozenset()
        while True:
            try:
                missing = await self._look(missing)
            except BrokerUnavailable:
                missing = frozenset()  # nobody was seen: it takes two looks again
            await trio.sleep(random.uniform(0.8, 1) * self._pause)  # noqa: S311 - jitter, not a secret

    async def _look(self, missing_before: frozenset[str]) -> frozenset[str]:
        """Find the nodes that have a record and are missing; who was before as well is lost."""
        holders = frozenset(await self._broker.presence(HOLDERS_CHANNEL))
        alive = frozenset(await self._broker.presence(NODES_CHANNEL))
        await self._keep_record(holders)
        if self._uid not in alive:
            return frozenset()  # where even this one is missing, the store was away, and they all come back now
        missing = holders - alive
        self._logged &= missing
        for node in missing & missing_before:
            await self._settle(node)
        return missing

    async def _keep_record(self, holders: frozenset[str]) -> None:
        """Have a record; where the store lost it, or another node tells of it, put back what is missing."""
        claimed = await self._broker.presence(_claim_of(self._uid))
        await self._departures.hold()
        if claimed or self._uid not in holders or self._departures.was_cut_off:
            await self._departures.renew()

    async def _settle(self, node: str) -> None:
        """Tell of all clients on a lost node's record, unless another node does or it is back; raises BrokerUnavailable."""
        if not await self._claim(node):
            return
        await self._log_once(node)
        if await self._tell_all(node) and await self._claim(node) and not await self._count(node):
            await self._broker.leave((Leave(HOLDERS_CHANNEL, node), Leave(_claim_of(node), self._uid)))

    async def _claim(self, node: str) -> bool:
        """Take a lost node's record for this one, or keep it; False where another node has it, or the node is back."""
        if node in await self._broker.presence(NODES_CHANNEL):
            return False
        return await self._broker.join(_claim_of(node), self._me, ttl=CLAIM_SECONDS, limit=1)

    async def _count(self, node: str) -> int:
        return sum([(await self._broker.presence_statistics(part)).clients for part in parts_of(node)])

    async def _log_once(self, node: str) -> None:
        if node not in self._logged and (clients := await self._count(node)):
            self._logged.add(node)
            log.info("a node is gone; the application is told of its clients", node=node, clients=clients)

    async def _tell_all(self, node: str) -> bool:
        """Tell of all clients on a record, in any order; False where the node is back, or nobody is heard: the next look goes on."""
        members: list[Member] = []
        for part in random.sample(parts_of(node), k=len(parts_of(node))):  # what is never heard is not always first
            members += (await self._broker.presence(part)).values()
            while len(members) >= AT_ONCE:
                if not await self._tell(node, members[:AT_ONCE]):
                    return False
                del members[:AT_ONCE]
        return not members or await self._tell(node, members)

    async def _tell(self, node: str, members: Sequence[Member]) -> bool:
        """Tell of a few clients at once, and take off the record of whom the application has heard; False where there is none."""
        if not await self._claim(node):
            return False
        heard: list[Leave] = []

        async def tell(member: Member) -> None:
            if await self._departures.tell(request_of(member, node)):
                heard.append(Leave(part_of(node, member.client), member.client))

        async with trio.open_nursery() as nursery:
            for member in members:
                nursery.start_soon(tell, member)
        await self._broker.leave(heard)
        return bool(heard)


def _claim_of(node: str) -> str:
    return f"{RESERVED_PREFIX}claim:{node}"
