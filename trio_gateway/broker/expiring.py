"""A mapping whose entries expire, without a task or a timer: it forgets what is overdue whenever it is used.

A heap knows what is due first. An entry renewed meanwhile is found there early and put back, so
renewing costs nothing; memory is bounded by what was used within one time to live.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Expiring(Generic[Key, Value]):
    """Map keys to values until their deadlines; `clock` answers seconds (trio.current_time, virtual in tests)."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._entries: dict[Key, tuple[float, Value]] = {}
        self._due: list[tuple[float, int, Key]] = []
        self._order = count()

    def __len__(self) -> int:
        self._forget()
        return len(self._entries)

    def get(self, key: Key) -> Value | None:
        """Find a value that has not expired."""
        self._forget()
        entry = self._entries.get(key)
        return entry[1] if entry else None

    def put(self, key: Key, value: Value, ttl: float) -> None:
        """Set a value, or renew it, for `ttl` seconds from now."""
        self._forget()
        deadline = self._clock() + ttl
        if key not in self._entries:
            self._push(deadline, key)
        self._entries[key] = (deadline, value)

    def discard(self, key: Key) -> None:
        """Forget a key; its place in the heap goes when it is due."""
        self._entries.pop(key, None)

    def _push(self, deadline: float, key: Key) -> None:
        heapq.heappush(self._due, (deadline, next(self._order), key))

    def _forget(self) -> None:
        now = self._clock()
        while self._due and self._due[0][0] <= now:
            _, _, key = heapq.heappop(self._due)
            entry = self._entries.get(key)
            if entry is None:
                continue
            if entry[0] <= now:
                del self._entries[key]
            else:
                self._push(entry[0], key)
