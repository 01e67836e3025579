"""A listener that remembers what the feed brought, and lets a test wait for it."""

from __future__ import annotations

from collections.abc import Callable

import trio

from trio_gateway.broker.broker import Hint


class Recorder:
    """Remember hints, batch by batch, and how often the feed was resumed."""

    def __init__(self) -> None:
        self.batches: list[list[Hint]] = []
        self.resumed = 0
        self._news = trio.Event()

    async def take_hints(self, hints):
        self.batches.append(list(hints))
        self._tell()

    async def take_feed_resumed(self):
        self.resumed += 1
        self._tell()

    @property
    def hints(self) -> list[Hint]:
        return [hint for batch in self.batches for hint in batch]

    async def wait_hints(self, count: int) -> list[Hint]:
        """Wait until this many hints have come in all."""
        return await self._wait(lambda: self.hints if len(self.hints) >= count else None)

    async def wait_resumed(self, count: int = 1) -> None:
        await self._wait(lambda: self.resumed >= count)

    async def _wait(self, condition: Callable):
        with trio.fail_after(20):
            while not (result := condition()):
                await self._news.wait()
            return result

    def _tell(self) -> None:
        self._news.set()
        self._news = trio.Event()
