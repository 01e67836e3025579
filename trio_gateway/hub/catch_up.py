"""Catching up is polling at a cursor: from the topic's tail, from the store where the tail no longer reaches.

Nothing is buffered per client: each poll fetches one page, hands it to the socket whole, and moves
the cursor.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import accumulate

import trio

from trio_gateway.hub.page import PAGE_BYTES, view_page
from trio_gateway.hub.recovery import Recovery
from trio_gateway.hub.shared_reads import SharedReads
from trio_gateway.hub.subscription import InsufficientState, Subscription
from trio_gateway.hub.tail import Entry
from trio_gateway.model import codes
from trio_gateway.model.errors import Disconnected
from trio_gateway.model.recovery import Recovered, recover

PAGE = 64
"""Publications of one poll."""

SendFrames = Callable[[bytes], Awaitable[None]]


class CatchUp:
    """Poll for the subscriptions that are behind."""

    def __init__(self, reads: SharedReads, recovery: Recovery) -> None:
        self._reads = reads
        self._recovery = recovery

    async def poll(self, subscription: Subscription, send: SendFrames) -> None:
        """Bring one page to a client that is behind, and let it go live when nothing is left.

        `send` writes whole frames and returns when all were handed to the socket. Raises
        BrokerUnavailable when the store is needed and away, Disconnected (3008) when the client has
        been behind for longer than its namespace allows, InsufficientState when publications are gone that
        a positioned subscription was promised, and whatever `send` raises.
        """
        limit = subscription.topic.max_behind
        if limit and trio.current_time() - subscription.behind_since > limit:
            raise Disconnected(codes.SLOW)
        entries = self._from_tail(subscription)
        if entries is None:
            await self._poll_store(subscription, send)
        elif entries:
            await self._send_entries(subscription, entries, send)
        if subscription.started and subscription.caught_up:
            subscription.go_live()

    def _from_tail(self, subscription: Subscription) -> list[Entry] | None:
        topic = subscription.topic
        if subscription.epoch != topic.epoch:
            return None
        if subscription.cursor >= topic.top:
            return []
        return None if topic.tail is None else topic.tail.after(subscription.cursor, PAGE)

    async def _send_entries(self, subscription: Subscription, entries: list[Entry], send: SendFrames) -> None:
        if subscription.has_view:
            if written := view_page(subscription, [entry.publication for entry in entries]):
                await send(written)
            return
        codec = subscription.subscriber.codec
        head = subscription.topic.audience(codec).head
        frames = _page([entry.frame(codec, head) for entry in entries])
        subscription.cursor = entries[len(frames) - 1].publication.offset
        await send(b"".join(frames))

    async def _poll_store(self, subscription: Subscription, send: SendFrames) -> None:
        topic, position, known_top = subscription.topic, subscription.position, subscription.topic.top
        epoch = topic.epoch
        after = position.offset if position.epoch == epoch else 0
        stored = await self._reads.read(topic, after, PAGE)
        if stored.epoch != topic.epoch:
            topic.dirty = True
            await self._recovery.refresh(topic)
            return
        if not subscription.started or epoch != topic.epoch:
            return  # it ended, or a new epoch began meanwhile: the next poll reads that one from its start
        recovered = recover(position, stored)
        if recovered.gap and subscription.positioned:
            raise InsufficientState(subscription)
        subscription.epoch, subscription.cursor = recovered.cursor.epoch, recovered.cursor.offset
        if not recovered.publications and stored.top < known_top:
            subscription.cursor = known_top  # the store lost its tail: nothing of it will ever come
        subscription.has_base = False
        if written := _written(subscription, recovered):
            await send(written)


def _written(subscription: Subscription, recovered: Recovered) -> bytes:
    topic, codec = subscription.topic, subscription.subscriber.codec
    gap = codec.encode_gap(topic.channel, recovered.gap) if recovered.gap else b""
    if subscription.has_view:
        return gap + (view_page(subscription, recovered.publications) if recovered.publications else b"")
    head = topic.audience(codec).head
    return gap + b"".join([codec.encode_publication(head, publication) for publication in recovered.publications])


def _page(frames: list[bytes]) -> list[bytes]:
    """Cut a page of frames after PAGE_BYTES, but never before the first frame's end."""
    for count, size in enumerate(accumulate(map(len, frames)), 1):
        if size >= PAGE_BYTES:
            return frames[:count]
    return frames
