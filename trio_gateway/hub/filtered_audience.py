"""The audience of those who want some of the publications only: what it does not want is skipped once for all of them.

A client's cursor stays where it was meanwhile, and the next write reaches back over what was skipped: nothing
is done for each client.
"""

from __future__ import annotations

from trio_gateway.hub.audience import Audience, Write
from trio_gateway.model.publication import Publication
from trio_gateway.wire.codec import Codec


class FilteredAudience(Audience):
    """Write to the live subscriptions of one codec that have the same filter, made when the topic's top is `top`.

    Whoever of them stands at `_floor` or beyond it has all that it wants of what came up to `_known`.
    """

    __slots__ = ("_floor", "_known")

    def __init__(self, codec: Codec, channel: str, epoch: str, top: int) -> None:
        super().__init__(codec, channel, epoch)
        self._floor = self._known = top

    def begin(self, epoch: str) -> None:
        """Begin a new epoch of the channel, at its start."""
        super().begin(epoch)
        self._floor = self._known = 0

    def skip(self, publication: Publication) -> None:
        """Take a publication that nobody here wants."""
        if publication.prev > self._known:
            self.void()  # something is gone that they may have wanted
        self._known = max(self._known, publication.offset)

    def write(self, publication: Publication, writes: list[Write]) -> None:
        """Add a publication to `writes`, as every audience does."""
        clients, offset, prev = self._listed(), publication.offset, publication.prev
        if not clients:
            return
        frame = self._encode(self.head, publication)
        after = self._floor if offset and prev <= self._known else prev
        if not self._extend(writes, publication, after, frame):
            self._add(writes, Write(clients, after, offset, offset, offset, [frame], None, prev))
        if offset:
            self._floor = self._known = max(self._known, offset)

    def void(self) -> None:
        """Let everybody fall behind, at the last publication that they want nothing of."""
        for subscription in tuple(self._live):
            if self._floor <= subscription.cursor < self._known:
                subscription.cursor = self._known
            subscription.fall_behind()
