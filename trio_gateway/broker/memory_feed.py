"""The feed of a memory broker: hints of followed channels, handed to the listener in batches by a task of its own."""

from __future__ import annotations

import trio

from trio_gateway.broker.broker import BrokerHealth, Hint, Listener

MAX_HINTS = 16_384
"""Hints waiting for the listener; with more, they are dropped and the listener is told to read instead."""


class MemoryFeed:
    """Hold the hints until the listener takes them."""

    def __init__(self) -> None:
        self._followed: set[str] = set()
        self._hints: list[Hint] = []
        self._overflowed = False
        self._news = trio.Event()
        self._serving = False
        self._heard_at: float | None = None

    async def serve(self, listener: Listener, task_status: trio.TaskStatus[None]) -> None:
        """Hand hints to the listener until cancelled."""
        self._serving = True
        task_status.started()
        try:
            while True:
                await self._news.wait()
                self._news = trio.Event()
                await self._hand_over(listener)
        finally:
            self._serving = False

    def follow(self, channel: str) -> None:
        """Follow a channel."""
        self._followed.add(channel)

    def unfollow(self, channel: str) -> None:
        """Stop following a channel."""
        self._followed.discard(channel)

    def tell(self, hint: Hint) -> None:
        """Add a hint, if its channel is followed."""
        if hint.channel not in self._followed:
            return
        if len(self._hints) >= MAX_HINTS:
            self._hints.clear()
            self._overflowed = True
        self._hints.append(hint)
        self._news.set()

    def health(self) -> BrokerHealth:
        """Show whether the feed is served; there is nothing else to fail."""
        age = None if self._heard_at is None else trio.current_time() - self._heard_at
        reasons = () if self._serving else ("the memory broker is not served",)
        return BrokerHealth(reasons, 0.0 if self._serving else None, age)

    async def _hand_over(self, listener: Listener) -> None:
        hints, self._hints = self._hints, []
        overflowed, self._overflowed = self._overflowed, False
        self._heard_at = trio.current_time()
        await listener.take_hints(hints)
        if overflowed:
            await listener.take_feed_resumed()
