"""The clients of a node that was killed are told to have gone by any node that is left.

A node is alive as long as it is in the presence by which surveys know it, which runs out by itself. Who
finds one missing, twice in a row, claims its record: the claim is a presence of one place that runs out
too, so that what a claimant can't finish is finished by the next.
"""

from __future__ import annotations

import random
from typing import Final

import trio

from trio_gateway.broker.broker import Broker
from trio_gateway.gateway.nodes.departures import CHUNK, HOLDERS_CHANNEL, Departures, record_of, request_of
from trio_gateway.gateway.nodes.survey import NODES_CHANNEL
from trio_gateway.model.channel import RESERVED_PREFIX
from trio_gateway.model.errors import BrokerUnavailable
from trio_gateway.model.logger import get_logger
from trio_gateway.model.presence import Member

LOOKS: Final = 4
"""In the time that a node's presence lasts."""

CLAIM_SECONDS: Final = 60.0
"""For one part of a record to be told."""

log = get_logger(__name__)


class LostNodes:
    """Look for lost nodes, as the node `uid`; `ttl` is how long (seconds) the presence of a node lasts without it."""

    def __init__(self, uid: str, broker: Broker, departures: Departures, *, ttl: float) -> None:
        self._uid = uid
        self._broker = broker
        self._departures = departures
        self._pause = ttl / LOOKS
        self._me = Member(uid, "", b"{}")

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
        await self._departures.hold()
        holders = frozenset(await self._broker.presence(HOLDERS_CHANNEL))
        alive = frozenset(await self._broker.presence(NODES_CHANNEL))
        if self._uid not in alive:
            return frozenset()  # where even this one is missing, the store was away, and they all come back now
        missing = holders - alive
        for node in missing & missing_before:
            await self._settle(node)
        return missing

    async def _settle(self, node: str) -> None:
        """Tell of all clients on a lost node's record, unless another node does; raises BrokerUnavailable."""
        if not await self._claim(node):
            return
        members = (await self._broker.presence(record_of(node))).values()
        requests = [request_of(member, node) for member in members]
        log.info("a node is gone; the application is told of its clients", node=node, clients=len(requests))
        for start in range(0, len(requests), CHUNK):
            part = requests[start : start + CHUNK]
            if not await self._claim(node) or len(await self._departures.tell(record_of(node), part)) < len(part):
                return  # the next look goes on with what is left
        record = self._departures.record
        record.leave_nowait(HOLDERS_CHANNEL, node)
        record.leave_nowait(_claim_of(node), self._uid)

    async def _claim(self, node: str) -> bool:
        """Take a lost node's record for this one, or keep it; False where another node has it."""
        return await self._broker.join(_claim_of(node), self._me, ttl=CLAIM_SECONDS, limit=1)


def _claim_of(node: str) -> str:
    return f"{RESERVED_PREFIX}claim:{node}"
