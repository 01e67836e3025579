"""A user's places are its connections, counted over all nodes; nobody is refused for those that a dead node left behind.

They are a presence, in a channel of the gateway's own. A node that was killed leaves its clients there
until their time runs out; meanwhile they come back, and 3504 would keep them away for good.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec
import trio

from trio_gateway.broker.broker import Broker, Leave
from trio_gateway.hub.hub import Hub
from trio_gateway.model.channel import RESERVED_PREFIX
from trio_gateway.model.directives import NodeStatistics
from trio_gateway.model.logger import get_logger
from trio_gateway.model.presence import Member

log = get_logger(__name__)


class _Holder(msgspec.Struct, omit_defaults=True):
    """Say which node a place is held by; empty where that is unknown."""

    node: str = ""


_holders = msgspec.json.Decoder(_Holder)


class Places:
    """Give out places of users for the node `uid`; `nodes` asks which nodes are there."""

    def __init__(
        self, uid: str, hub: Hub, broker: Broker, nodes: Callable[[], Awaitable[Sequence[NodeStatistics]]]
    ) -> None:
        self._uid = uid
        self._hub = hub
        self._broker = broker
        self._ask_nodes = nodes
        self._info = msgspec.json.encode(_Holder(uid))
        self._turn = trio.Lock()
        self._begun = 0
        self._alive: set[str] | None = None

    async def take(self, user: str, client: str, limit: int) -> bool:
        """Count a client among its user's connections where fewer than `limit` others are; tells whether it is.

        Takes up to a second where a node died. Raises BrokerUnavailable; it is not counted then.
        """
        channel, member = place_of(user), Member(client, user, self._info)
        presence = self._hub.presence
        if await presence.join_limited(channel, member, limit):
            return True
        return await self._free(channel) and await presence.join_limited(channel, member, limit)

    async def _free(self, channel: str) -> bool:
        """Give up the places of nodes that are gone; tells whether there were any."""
        holders = {
            client: _holders.decode(member.info).node
            for client, member in (await self._broker.presence(channel)).items()
        }
        others = set(holders.values()) - {self._uid, ""}
        gone = others and others - await self._nodes()
        leaves = [Leave(channel, client) for client, holder in holders.items() if holder in gone]
        if leaves:
            log.info("places of nodes that are gone are given up", places=len(leaves))
            await self._broker.leave(leaves)
        return bool(leaves)

    async def _nodes(self) -> set[str]:
        """Ask which nodes are there, together with all who wait for their turn: after a crash that is everybody.

        A node that is too slow to answer has its clients counted again when it renews them.
        """
        before = self._begun
        async with self._turn:
            # An answer that was on its way before may not know of the crash that brought us here.
            if self._begun == before or self._alive is None:
                self._begun += 1
                self._alive = None
                self._alive = {each.uid for each in await self._ask_nodes()}
            return self._alive


def place_of(user: str) -> str:
    """Name the channel of the gateway's own whose presence is the connections of a user, on all nodes."""
    return f"{RESERVED_PREFIX}user:{user}"
