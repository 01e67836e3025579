"""A writer task sleeps until there is something to do, and misses nothing that came meanwhile."""

from __future__ import annotations

import trio


class Woken:
    """Let a writer task sleep until there is something to do."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event = trio.Event()

    def set(self) -> None:
        """Wake the writer task, now or at its next wait."""
        self._event.set()

    async def wait(self) -> None:
        """Sleep until woken; what wakes it later counts for the next wait."""
        await self._event.wait()
        self._event = trio.Event()
