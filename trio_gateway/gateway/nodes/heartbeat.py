"""One task per node pings every client and ends those that do not answer.

Connections sit in the slots of a ring, one slot a tick: what a ping costs does not depend on how many
clients there are, and pings spread evenly over the interval.
"""

from __future__ import annotations

import random
from typing import Protocol

import trio

SLOTS = 100
"""With 25 s between pings: a tick each 0.25 s, and a pong's deadline is met within that."""


class Pinged(Protocol):
    """Be pinged; a connection is."""

    def ping_nowait(self) -> None:
        """Send a ping, where the socket takes one now."""

    def check_pong(self) -> None:
        """End, where the last ping was not answered."""


class Heartbeat:
    """Ping each connection every `ping_seconds`; an answer is due `pong_seconds` later."""

    def __init__(self, ping_seconds: float, pong_seconds: float) -> None:
        self._tick = ping_seconds / SLOTS
        self._delay = max(1, min(SLOTS - 1, round(pong_seconds / self._tick)))
        self._ring: list[dict[Pinged, None]] = [{} for _ in range(SLOTS)]
        self._slot = 0

    def add(self, connection: Pinged) -> int:
        """Put a connection in a slot, chosen by chance in the farther half of the ring; answers the slot.

        So its first ping comes between half an interval and a whole one from now (protocol §1.5).
        """
        ahead = random.randint(SLOTS // 2 + 1, SLOTS)  # noqa: S311 - spreads load, no secret
        slot = (self._slot + ahead) % SLOTS
        self._ring[slot][connection] = None
        return slot

    def remove(self, connection: Pinged, slot: int) -> None:
        """Take a connection out of its slot."""
        self._ring[slot].pop(connection, None)

    async def serve(self) -> None:
        """Turn the ring until cancelled."""
        while True:
            await trio.sleep(self._tick)
            slot = self._slot = (self._slot + 1) % SLOTS
            for connection in tuple(self._ring[slot - self._delay]):
                connection.check_pong()
            for connection in tuple(self._ring[slot]):
                connection.ping_nowait()
