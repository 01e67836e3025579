"""A window is what one read of the store brought, kept for a moment for others who ask for a part of it.

The publications in it stay true, whatever happens later: those of one epoch never change. That nothing
else is there does not, and is repeated only where the node has heard of nothing since.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque

import trio

from trio_gateway.hub.topic import Topic
from trio_gateway.model.recovery import Stored

KEPT_SECONDS = 2.0
"""Clients that a lost node leaves behind, or one publication, ask within a second or two."""

WINDOWS_PER_TOPIC = 8
"""So many are looked through for each request."""

MAX_BYTES = 16 * 1024 * 1024
"""Of all windows of a node together; one that is larger is not kept."""

PUBLICATION_OVERHEAD = 250
"""Bytes that one publication costs beside its data: the struct, its numbers, headers of its bytes (measured with sys.getsizeof)."""


class Window:
    """Hold the answer to one read after the offset `after`; `newest` is how many it was to bring of the end, if it was."""

    __slots__ = ("after", "newest", "size", "stored", "until")

    def __init__(self, after: int, stored: Stored, *, newest: int = 0) -> None:
        self.after = after
        self.newest = newest
        self.stored = stored
        self.until = trio.current_time() + KEPT_SECONDS
        self.size = sum(
            len(each.data) + len(each.info) + len(each.tags) + PUBLICATION_OVERHEAD for each in stored.publications
        )

    @property
    def end(self) -> int:
        """Give the offset up to which everything that was kept is here."""
        kept = self.stored.publications
        return max(self.stored.top if not kept else kept[-1].offset, self.after)

    def answer(self, after: int, limit: int) -> Stored | None:
        """Answer another read as the store would have done at that moment; None where this one does not tell."""
        if after < self.after:
            return None
        stored = self.stored
        kept = stored.publications
        start = bisect_right(kept, after, key=lambda publication: publication.offset)
        if start == len(kept) and self.end < stored.top:
            return None  # cut at a bound before it came so far
        if start == 0 and len(kept) <= limit:
            return stored
        return Stored(stored.epoch, stored.top, kept[start : start + limit])


class Windows:
    """Keep the newest windows, bounded in time, in number per topic and in bytes (`used`) per node."""

    def __init__(self) -> None:
        self._of_topic: dict[Topic, deque[Window]] = {}
        self._by_age: dict[Window, Topic] = {}
        self.used = 0

    def keep(self, topic: Topic, window: Window) -> None:
        """Add a topic's newest window; the oldest ones go where a bound is passed."""
        if window.size > MAX_BYTES:
            return
        windows = self._of_topic.setdefault(topic, deque())
        if len(windows) >= WINDOWS_PER_TOPIC:
            self._drop(windows[0])
            self._of_topic[topic] = windows
        windows.append(window)
        self._by_age[window] = topic
        self.used += window.size
        while self.used > MAX_BYTES:
            self._drop(next(iter(self._by_age)))

    def find(self, topic: Topic, after: int, limit: int) -> Stored | None:
        """Answer a read after an offset of the topic's present epoch; None where the store must be asked."""
        self.drop_old()
        for window in reversed(self._of_topic.get(topic, ())):
            if window.stored.epoch != topic.epoch:
                continue
            answer = window.answer(after, limit)
            if answer and (answer.publications or after < answer.top >= topic.top):
                return answer
        return None

    def newest(self, topic: Topic, limit: int, least: int) -> Stored | None:
        """Answer a read of the end of the topic's present epoch, where nothing beyond `least` is missing; else None."""
        self.drop_old()
        for window in reversed(self._of_topic.get(topic, ())):
            stored = window.stored
            if window.newest == limit and stored.epoch == topic.epoch and stored.top >= least:
                return stored
        return None

    def has(self, topic: Topic) -> bool:
        """Tell whether the topic was read a moment ago."""
        return topic in self._of_topic

    def reach(self, topic: Topic, offset: int) -> bool:
        """Tell whether a window has what comes before an offset."""
        return any(window.after <= offset <= window.end for window in self._of_topic.get(topic, ()))

    def forget(self, topic: Topic) -> None:
        """Let go of all windows of a topic."""
        while windows := self._of_topic.get(topic):
            self._drop(windows[0])

    def drop_old(self) -> None:
        """Let go of what was read too long ago."""
        now = trio.current_time()
        while self._by_age and (oldest := next(iter(self._by_age))).until <= now:
            self._drop(oldest)

    def _drop(self, window: Window) -> None:
        """Let go of a window, the oldest of its topic."""
        topic = self._by_age.pop(window)
        self.used -= window.size
        windows = self._of_topic[topic]
        windows.popleft()
        if not windows:
            del self._of_topic[topic]
