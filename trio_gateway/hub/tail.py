"""A tail is a topic's newest publications, kept in memory once for all its subscribers.

Each entry carries the frames that were made of it, one per codec, so that nobody encodes twice.
Bounded in count and bytes per topic, and in bytes per node: where a node is full, tails are given
up and whoever is behind reads the store instead.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable

import attrs

from trio_gateway.model.publication import Publication

ENTRY_OVERHEAD = 400
"""Bytes that one entry costs beside its data: objects, frame header, numbers (measured with sys.getsizeof)."""


class Entry:
    """Hold one publication and its frames, `size` bytes in all."""

    __slots__ = ("_codec", "_frame", "_others", "publication", "size")

    def __init__(self, publication: Publication) -> None:
        self.publication = publication
        # Roughly: frames repeat the data once per codec.
        self.size = 2 * len(publication.data) + ENTRY_OVERHEAD
        # Nearly every entry has the frame of one codec only, and a dict would be its largest part.
        self._codec = ""
        self._frame = b""
        self._others: dict[str, bytes] | None = None

    def frame(self, codec: str, encode: Callable[[Publication], bytes]) -> bytes:
        """Give the whole WebSocket frame in one codec, made at the first call."""
        if self._codec == codec:
            return self._frame
        if not self._codec:
            self._codec, self._frame = codec, encode(self.publication)
            return self._frame
        others = self._others = self._others or {}
        if codec not in others:
            others[codec] = encode(self.publication)
        return others[codec]


@attrs.define
class TailBudget:
    """Count the bytes that all tails of a node hold together (`used`), against the node's bound (`limit`)."""

    limit: int = 64 * 1024 * 1024
    used: int = 0


class Tail:
    """Keep the newest entries of one topic, in order, within the bounds.

    A tail pays where it is shared: for each subscription of the topic beyond the first one,
    COUNT_PER_SHARER entries are kept, up to MAX_COUNT. An inbox that one device reads has none: when
    that device is slow it reads the store, and with 128 entries for each such inbox the garbage
    collector alone took a quarter of the time of a message.
    """

    COUNT_PER_SHARER = 8
    MAX_COUNT = 128
    MAX_BYTES = 1024 * 1024

    def __init__(self, budget: TailBudget) -> None:
        self._max_count = 0
        self._budget = budget
        self._entries: deque[Entry] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def share(self, sharers: int) -> None:
        """Bound the count for so many subscriptions, from the next entry on."""
        self._max_count = max(0, min(self.COUNT_PER_SHARER * (sharers - 1), self.MAX_COUNT))

    def append(self, entry: Entry) -> None:
        """Add the newest entry; the oldest ones go where a bound is passed."""
        if not (self._max_count or self._entries):
            return
        self._entries.append(entry)
        self._bytes += entry.size
        self._budget.used += entry.size
        while (
            len(self._entries) > self._max_count
            or self._bytes > self.MAX_BYTES
            or (self._bytes and self._budget.used > self._budget.limit)
        ):
            self._count(-self._entries.popleft().size)

    def clear(self) -> None:
        """Give everything up."""
        self._entries.clear()
        self._count(-self._bytes)

    def after(self, cursor: int, limit: int) -> list[Entry] | None:
        """Give up to `limit` entries that continue the cursor; None where the tail does not reach back to it."""
        entries = self._entries
        if not entries or entries[0].publication.prev > cursor:
            return None
        start = bisect_right(entries, cursor, key=lambda entry: entry.publication.offset)
        return [entries[index] for index in range(start, min(start + limit, len(entries)))]

    def _count(self, size: int) -> None:
        self._bytes += size
        self._budget.used += size
