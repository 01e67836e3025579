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

Place = tuple[float, int]
"""Where an entry stands in the heap; what stands elsewhere under its key is of an earlier one."""


class Expiring(Generic[Key, Value]):
    """Map keys to values until their deadlines; `clock` answers seconds (trio.current_time, virtual in tests).

    `note_expired` is told of each entry that is forgotten since its time ran out; it leaves this mapping alone.
    """

    def __init__(self, clock: Callable[[], float], note_expired: Callable[[Key, Value], None] | None = None) -> None:
        self._clock = clock
        self._note_expired = note_expired
        self._entries: dict[Key, tuple[float, Value, Place]] = {}
        self._due: list[tuple[Place, Key]] = []
        self._order = count()

    def __len__(self) -> int:
        self.forget()
        return len(self._entries)

    def get(self, key: Key) -> Value | None:
        """Find a value that has not expired."""
        self.forget()
        entry = self._entries.get(key)
        return entry[1] if entry else None

    def put(self, key: Key, value: Value, ttl: float) -> None:
        """Set a value, or renew it, for `ttl` seconds from now."""
        self.forget()
        deadline = self._clock() + ttl
        entry = self._entries.get(key)
        place = entry[2] if entry and entry[2][0] <= deadline else self._push(deadline, key)
        self._entries[key] = (deadline, value, place)

    def discard(self, key: Key) -> None:
        """Forget a key; its place in the heap goes when it is due."""
        self._entries.pop(key, None)

    def present(self) -> dict[Key, Value]:
        """Give all that has not expired."""
        self.forget()
        return {key: entry[1] for key, entry in self._entries.items()}

    def forget(self) -> None:
        """Forget what is overdue."""
        now = self._clock()
        while self._due and self._due[0][0][0] <= now:
            place, key = heapq.heappop(self._due)
            entry = self._entries.get(key)
            if entry is not None and entry[2] == place:
                self._judge(key, entry[0], entry[1], now)

    def _push(self, deadline: float, key: Key) -> Place:
        place = (deadline, next(self._order))
        heapq.heappush(self._due, (place, key))
        return place

    def _judge(self, key: Key, deadline: float, value: Value, now: float) -> None:
        """Put an entry back that was renewed; else it goes."""
        if deadline > now:
            self._entries[key] = (deadline, value, self._push(deadline, key))
            return
        del self._entries[key]
        if self._note_expired is not None:
            self._note_expired(key, value)
