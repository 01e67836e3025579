"""An audience is the live subscriptions of one topic that get the same bytes: here, those of one codec.

This is the fan-out path: nothing is done per client but the send. The writes of one turn are all made
first and sent after that, since a send leaves the processor's caches to the kernel: 1,000 messages to
1,000 users cost a tenth less than with each one sent as soon as it was made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from trio_gateway.hub.subscription import Subscription
from trio_gateway.model.presence import Passage
from trio_gateway.model.publication import Publication
from trio_gateway.wire.codec import Codec

SENDS_PER_TURN = 1000
"""After so many sends the event loop gets its turn: 1,000 sends are about 7 ms, 10,000 would be 70."""


class Write(msgspec.Struct):
    """Hold what the same clients get in one send each: frames of publications that continue each other.

    They are for those whose cursor is at `prev` or beyond it, and before `until`. `offsets` are those of the
    frames where there are several. A client that takes nothing of them has missed nothing up to `resume`.
    `bases` learns whom it was sent to, where that decides what they get next. A struct because it is made as fast as
    Publication is.
    """

    clients: Sequence[Subscription]
    prev: int
    until: int
    first: int
    last: int
    frames: list[bytes]
    offsets: list[int] | None = None
    resume: int = 0
    bases: Bases | None = None

    def extend(self, offset: int, prev: int, frame: bytes) -> None:
        """Add the publication that continues the last one; what lies between, up to `prev`, is not for these clients."""
        if self.offsets is None:
            self.offsets = [self.first]
        self.offsets[-1] = max(self.offsets[-1], prev)
        self.offsets.append(offset)
        self.frames.append(frame)
        self.last = offset


class Bases(Protocol):
    """Learn to whom a write was sent that changes what deltas are based on."""

    def note_sent(self, subscription: Subscription, *, kept: bool) -> None:
        """Note that a client was sent a first publication, or one that was not `kept`."""


class Audience:
    """Know everybody who is caught up, and make the frames for them; `head` is the channel's in the codec, for its epoch."""

    __slots__ = ("_channel", "_clients", "_encode", "_live", "_place", "_told", "_watching", "_writes", "codec", "head")

    def __init__(self, codec: Codec, channel: str, epoch: str) -> None:
        self.codec = codec
        self.head = codec.publication_head(channel, epoch)
        self._encode = codec.encode_publication
        self._channel = channel
        self._live: dict[Subscription, None] = {}
        self._watching: dict[Subscription, None] = {}
        self._clients: tuple[Subscription, ...] | None = None
        self._writes: list[Write] | None = None
        self._told: list[Write] | None = None
        self._place = 0

    def add(self, subscription: Subscription) -> None:
        """Write to a subscription from now on."""
        self._live[subscription] = None
        self._clients = None

    def remove(self, subscription: Subscription) -> None:
        """Write to a subscription no more."""
        del self._live[subscription]
        self._clients = None

    @property
    def deserted(self) -> bool:
        """Tell whether nobody is left."""
        return not self._live

    def watch(self, subscription: Subscription) -> None:
        """Tell a subscription who comes and goes, from now on."""
        self._watching[subscription] = None

    def unwatch(self, subscription: Subscription) -> None:
        """Tell it no more."""
        self._watching.pop(subscription, None)

    def begin(self, epoch: str) -> None:
        """Begin a new epoch of the channel."""
        self.head = self.codec.publication_head(self._channel, epoch)

    def void(self) -> None:
        """Let everybody fall behind."""
        for subscription in tuple(self._live):
            subscription.fall_behind()

    def cut(self) -> None:
        """Continue no write that was made before: something else comes behind it."""
        self._writes = None

    def write(self, publication: Publication, writes: list[Write]) -> None:
        """Add what everybody gets of a publication to `writes`: to the write that it continues, or as a new one.

        `writes` is a new list for what is sent together, and is emptied when that was sent: it is remembered here.
        """
        if clients := self._clients or self._listed():
            offset, prev = publication.offset, publication.prev
            frame = self._encode(self.head, publication)
            if not self._extend(writes, publication, prev, frame):
                self._add(writes, Write(clients, prev, offset, offset, offset, [frame]))

    def _listed(self) -> tuple[Subscription, ...]:
        """List everybody; the list is kept from write to write: clients come and go far less often than publications."""
        if self._clients is None:
            self._clients = tuple(self._live)
        return self._clients

    def _extend(self, writes: list[Write], publication: Publication, prev: int, frame: bytes) -> bool:
        """Add a frame to the last write of the same turn, if it continues that after `prev`."""
        if self._writes is writes and prev and publication.offset and writes[self._place].last == prev:
            writes[self._place].extend(publication.offset, publication.prev, frame)
            return True
        return False

    def _add(self, writes: list[Write], write: Write) -> None:
        self._writes, self._told, self._place = writes, None, len(writes)
        writes.append(write)

    def tell(self, passage: Passage, writes: list[Write]) -> None:
        """Add to `writes` that a member came or went, at most once for whoever watches and can take it then.

        What follows each other is one write: each that comes is told to each that is there, and a send each is too many.
        """
        if not (self._watching and (frame := self.codec.encode_passage(self._channel, passage))):
            return
        if self._told is writes:
            writes[self._place].frames.append(frame)
            return
        # What is published next comes behind it.
        self._writes, self._told, self._place = None, writes, len(writes)
        writes.append(Write(tuple(self._watching), 0, 0, 0, 0, [frame]))


def send_nowait(writes: list[Write]) -> None:
    """Send writes to their clients, in order, and forget them.

    Whoever does not take all of one falls behind at the last frame of which a byte went out. Who joined
    or left since a write was made is told by the cursor and by `live`.
    """
    for write in writes:
        frames, prev, until, last = write.frames, write.prev, write.until, write.last
        count = len(frames)
        joined = frames[0] if count == 1 else b"".join(frames)
        noted = _those_it_is_for(write) if write.bases else ()
        for subscription in write.clients:
            if not subscription.live:
                continue
            if prev <= subscription.cursor < until:
                taken = subscription.outlet.send_nowait(joined, frames)
                if taken == count:
                    subscription.cursor = last
                else:
                    subscription.cursor = _reached(write, subscription.cursor, taken)
                    subscription.fall_behind()
            elif last == 0:
                subscription.outlet.send_nowait(joined, frames)  # no history: at most once, to whoever can take it now
            elif subscription.cursor < last:
                subscription.fall_behind()
        for subscription in noted:
            if subscription.live and write.bases:
                write.bases.note_sent(subscription, kept=last > 0)
    writes.clear()


def _those_it_is_for(write: Write) -> list[Subscription]:
    live = [each for each in write.clients if each.live]
    return [each for each in live if write.prev <= each.cursor < write.until] if write.last else live


def _reached(write: Write, cursor: int, taken: int) -> int:
    """Tell where a client stands that took only so many frames."""
    if not taken:
        return max(cursor, write.resume)
    return cursor if write.offsets is None else write.offsets[taken - 1]
