"""What was read and not yet handed out, bounded in number and in bytes: beyond, the reader waits."""

from __future__ import annotations

from collections import deque

import trio

from trio_gateway.client.values import Received

MAX_VALUES = 1_000
MAX_BYTES = 16 * 1024 * 1024
"""Of frame text. One publication is 1 MiB at most by default, so sixteen of the largest fit."""


class Buffer:
    """Pass values from the one task that reads to the one that iterates."""

    def __init__(self, max_values: int = MAX_VALUES, max_bytes: int = MAX_BYTES) -> None:
        self._max_values = max_values
        self._max_bytes = max_bytes
        self._bytes = 0
        self._values: deque[tuple[Received, int]] = deque()
        self._end: Exception | None = None
        self._waiting = trio.lowlevel.ParkingLot()

    async def put(self, value: Received, size: int) -> None:
        """Add a value whose frame has `size` bytes, when there is room; an empty buffer has room for any."""
        while self._is_full(size):
            await self._waiting.park()
        self._values.append((value, size))
        self._bytes += size
        self._waiting.unpark_all()

    async def get(self) -> Received:
        """Remove the oldest value, when there is one; raises the error of `end` after the last."""
        await trio.lowlevel.checkpoint()
        while not self._values:
            if self._end is not None:
                raise self._end
            await self._waiting.park()
        value, size = self._values.popleft()
        self._bytes -= size
        self._waiting.unpark_all()
        return value

    def end(self, error: Exception) -> None:
        """Let `get` raise this error after the last value."""
        self._end = error
        self._waiting.unpark_all()

    def _is_full(self, size: int) -> bool:
        if not self._values:
            return False
        return len(self._values) >= self._max_values or self._bytes + size > self._max_bytes
