"""A tail is a topic's newest publications, kept in memory once for all its subscribers.

Each entry keeps the frames that were made of it, one per codec: they are made once for all who are behind.
Bounded in count and bytes per topic, and in bytes per node: where a node is full, tails are given
up and whoever is behind reads the store instead.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque

import attrs
import msgspec

from trio_gateway.model.publication import Publication
from trio_gateway.wire.codec import Codec

ENTRY_OVERHEAD = 400
"""Bytes that one entry costs beside its data: objects, frame header, numbers (measured with sys.getsizeof)."""


class Entry(msgspec.Struct, gc=False):
    """Hold one publication, and the frames that were made of it for who is behind. A struct as Publication is one.

    Hardly any entry has frames of more codecs than the `first`: a dict would be its largest part.
    """

    publication: Publication
    first: Codec | None = None
    first_frame: bytes = b""
    others: dict[Codec, bytes] | None = None

    @property
    def size(self) -> int:
        """Estimate the bytes it holds: frames repeat the data once per codec."""
        return 2 * len(self.publication.data) + ENTRY_OVERHEAD

    def frame(self, codec: Codec, head: bytes) -> bytes:
        """Give the whole message in one codec, made at the first call; `head` is the channel's in that codec."""
        if self.first is None:
            self.first, self.first_frame = codec, codec.encode_publication(head, self.publication)
        if self.first is codec:
            return self.first_frame
        others = self.others = self.others or {}
        if codec not in others:
            others[codec] = codec.encode_publication(head, self.publication)
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

    __slots__ = ("_budget", "_bytes", "_entries", "_max_count")

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

    def append(self, publication: Publication) -> None:
        """Add the newest publication; the oldest ones go where a bound is passed."""
        if not (self._max_count or self._entries):
            return
        entry = Entry(publication)
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
