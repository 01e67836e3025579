"""Acknowledgements wait here a moment, so that many become one write; only the largest counts.

Losing the last ones in a crash means that those messages come again, nothing else.
"""

from __future__ import annotations

import trio

from trio_gateway.broker.broker import Ack, Broker
from trio_gateway.model.errors import BrokerUnavailable
from trio_gateway.model.position import Position

FLUSH_SECONDS = 0.25
"""A few times a second: a device that returns to another node waits no longer for its own acks."""

MAX_PENDING = 100_000
"""Devices whose acks may wait while the store is away; beyond it new ones are let go."""


class PendingAcks:
    """Hold the newest unwritten ack of each device of this node."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._pending: dict[tuple[str, str], Position] = {}
        self._arrived = trio.Event()

    def add_nowait(self, ack: Ack) -> None:
        """Keep an ack until the next flush; an older one of the same epoch changes nothing."""
        key = (ack.channel, ack.device)
        pending = self._pending.get(key)
        if pending is None and len(self._pending) >= MAX_PENDING:
            return
        if pending is None or pending.epoch != ack.position.epoch or pending.offset < ack.position.offset:
            self._pending[key] = ack.position
            self._arrived.set()

    def newest(self, channel: str, device: str) -> Position | None:
        """Give a device's unwritten ack, for an attach that must not read behind it."""
        return self._pending.get((channel, device))

    async def serve(self) -> None:
        """Write acks a few times a second until cancelled; keeps them while the store is away."""
        while True:
            await self._arrived.wait()
            await trio.sleep(FLUSH_SECONDS)
            self._arrived = trio.Event()
            await self.flush()

    async def flush(self) -> None:
        """Write all that is pending; what can't be written stays for the next time."""
        written = dict(self._pending)
        acks = [Ack(channel, device, position) for (channel, device), position in written.items()]
        if not acks:
            return
        try:
            await self._broker.acknowledge(acks)
        except BrokerUnavailable:
            self._arrived.set()
            return
        for key, position in written.items():
            if self._pending.get(key) == position:
                del self._pending[key]
