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
"""Bytes that one entry costs beside its data: objects, frame header, dict (measured with sys.getsizeof)."""


class Entry:
    """Hold one publication and its frames, `size` bytes in all."""

    __slots__ = ("_frames", "publication", "size")

    def __init__(self, publication: Publication) -> None:
        self.publication = publication
        # Roughly: frames repeat the data once per codec.
        self.size = 2 * len(publication.data) + ENTRY_OVERHEAD
        self._frames: dict[str, bytes] = {}

    def frame(self, codec: str, encode: Callable[[Publication], bytes]) -> bytes:
        """Give the whole WebSocket frame in one codec, made at the first call."""
        frame = self._frames.get(codec)
        if frame is None:
            frame = self._frames[codec] = encode(self.publication)
        return frame


@attrs.define
class TailBudget:
    """Count the bytes that all tails of a node hold together (`used`), against the node's bound (`limit`)."""

    limit: int = 64 * 1024 * 1024
    used: int = 0


class Tail:
    """Keep the newest entries of one topic, in order, within the bounds.

    A tail pays where many share it: `sharers` is the number of the topic's subscriptions, and for
    each of them COUNT_PER_SHARER entries are kept, up to MAX_COUNT. With 128 for each inbox that one
    device reads, the garbage collector alone took two thirds of the time of a message.
    """

    COUNT_PER_SHARER = 8
    MAX_COUNT = 128
    MAX_BYTES = 1024 * 1024

    def __init__(self, budget: TailBudget) -> None:
        self.sharers = 1
        self._budget = budget
        self._entries: deque[Entry] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def append(self, entry: Entry) -> None:
        """Add the newest entry; the oldest ones go where a bound is passed."""
        self._entries.append(entry)
        self._bytes += entry.size
        self._budget.used += entry.size
        while (
            len(self._entries) > min(self.COUNT_PER_SHARER * self.sharers, self.MAX_COUNT)
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
