"""Neighbours are the nodes that are there, as the store knows them: read seldom, however often strangers ask."""

from __future__ import annotations

import trio

from trio_gateway.broker.broker import Broker
from trio_gateway.gateway.nodes.survey import NODES_CHANNEL

KNOWN_SECONDS = 5.0
"""For which a node that was seen counts as being there."""

LOOK_SECONDS = 1.0
"""Between two reads, however many unknown nodes are asked for."""


class Neighbours:
    """Know which nodes are there: a post to any other would make a new channel in the store for each name."""

    def __init__(self, uid: str, broker: Broker) -> None:
        self._uid = uid
        self._broker = broker
        self._there: frozenset[str] = frozenset()
        self._read_at = -KNOWN_SECONDS
        self._reading = trio.Lock()

    async def may_have(self, node: str) -> bool:
        """Tell whether a node is there; True as well where the store has forgotten even this one. Raises BrokerUnavailable."""
        asked_at = trio.current_time()
        if asked_at < self._read_at + KNOWN_SECONDS and node in self._there:
            return True
        async with self._reading:  # all who wait share what is read once
            if self._read_at < asked_at:
                await trio.sleep_until(self._read_at + LOOK_SECONDS)
                read_at = trio.current_time()
                self._there = frozenset(await self._broker.presence(NODES_CHANNEL))
                self._read_at = read_at
        return node in self._there or self._uid not in self._there
