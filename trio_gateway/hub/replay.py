"""A replay brings a client up to date in the very answer to its subscribe, where it asked for that (protocol §6.3).

It succeeds where everything after the client's position is still there, or, for one that wants the latest
publication alone (§6.6), where that is. What goes beyond the bounds of an answer follows as live publications do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

import attrs
import trio

from trio_gateway.hub.deltas import BYTES_PER_TURN
from trio_gateway.hub.page import have_base, wanted_of
from trio_gateway.hub.shared_reads import SharedReads
from trio_gateway.hub.subscription import Subscription
from trio_gateway.hub.topic import Topic
from trio_gateway.model.position import Position
from trio_gateway.model.publication import Publication
from trio_gateway.model.recovery import Stored

MAX_BYTES = 1024 * 1024
"""Of data in one answer."""


@attrs.frozen
class Replayed:
    """Say whether nothing is missing after the position asked for; bring the first ones after it, as the client wants them."""

    recovered: bool
    publications: Sequence[Publication] = ()


NOT_RECOVERED = Replayed(recovered=False)


class Replay:
    """Read what subscriptions that are not started yet have missed."""

    def __init__(self, reads: SharedReads) -> None:
        self._reads = reads

    async def replay(self, subscription: Subscription, asked: Position, limit: int) -> Replayed:
        """Find up to `limit` publications after `asked`, and set the subscription behind them; if any is gone, at the end.

        An empty epoch stands for the present one. Raises BrokerUnavailable when the store is needed and away.
        """
        return await self._settle(subscription, self._after(subscription, asked, limit))

    async def replay_latest(self, subscription: Subscription, asked: Position, limit: int) -> Replayed:
        """Find the latest publication, unless that is what the client has, and set the subscription behind it, or at the end.

        Of those that a filter lets through, the latest among `limit` is it. Raises as `replay` does.
        """
        return await self._settle(subscription, self._latest(subscription, asked, limit))

    async def _settle(self, subscription: Subscription, replaying: Awaitable[Replayed]) -> Replayed:
        topic, epoch = subscription.topic, subscription.topic.epoch
        replayed = await replaying
        shown = await _shown(subscription, replayed.publications)
        if topic.epoch != epoch or not replayed.recovered:  # the store may have lost everything meanwhile
            subscription.epoch, subscription.cursor, subscription.has_base = topic.epoch, topic.top, False
            return NOT_RECOVERED
        return Replayed(recovered=True, publications=shown)

    async def _after(self, subscription: Subscription, asked: Position, limit: int) -> Replayed:
        topic = subscription.topic
        if not topic.epoch or asked.epoch not in ("", topic.epoch):
            return NOT_RECOVERED
        if asked.offset >= topic.top:
            # Beyond the top this node, or the store, has forgotten what the client knows; only an epoch proves it.
            at_the_end = asked.offset == topic.top or bool(asked.epoch)
            if at_the_end and not asked.epoch:
                subscription.epoch = topic.epoch
            return Replayed(recovered=at_the_end)
        publications = await self._read(topic, asked.offset, limit)
        if not publications or publications[0].prev > asked.offset:
            return NOT_RECOVERED
        subscription.epoch, subscription.cursor = topic.epoch, publications[-1].offset
        return Replayed(recovered=True, publications=publications)

    async def _latest(self, subscription: Subscription, asked: Position, limit: int) -> Replayed:
        topic = subscription.topic
        has_it = bool(asked.offset) and asked == Position(topic.epoch, topic.top)
        if has_it or not topic.top:
            return Replayed(recovered=has_it)
        newest = await self._newest(subscription, asked, limit)
        kept = newest.publications
        if newest.epoch == topic.epoch and asked == Position(newest.epoch, newest.top):
            return Replayed(recovered=True)
        if newest.epoch != topic.epoch or not kept or kept[-1].offset < newest.top:
            return NOT_RECOVERED
        subscription.epoch, subscription.cursor = topic.epoch, kept[-1].offset
        return Replayed(recovered=True, publications=wanted_of(kept, subscription.filter)[-1:])

    async def _newest(self, subscription: Subscription, asked: Position, limit: int) -> Stored:
        """Read the newest publications, oldest first: one where there is no filter."""
        topic, one = subscription.topic, subscription.filter is None
        if one and not topic.is_behind(asked):
            top = topic.top
            return Stored(topic.epoch, top, await self._page(topic, top - 1, 1))
        least = asked.offset if topic.is_behind(asked) else 0
        return await self._reads.newest.read(topic, 1 if one else limit, least)

    async def _read(self, topic: Topic, after: int, limit: int) -> Sequence[Publication]:
        """Read on until the top or a bound; nothing where a hole is in between."""
        taken: list[Publication] = []
        size = 0
        while len(taken) < limit and size < MAX_BYTES and after < topic.top:
            page = await self._page(topic, after, limit - len(taken))
            if not page or (taken and page[0].prev > after):
                return ()
            for publication in page:
                taken.append(publication)
                size += len(publication.data)
                if size >= MAX_BYTES:
                    break
            after = taken[-1].offset
        return taken

    async def _page(self, topic: Topic, after: int, limit: int) -> Sequence[Publication]:
        entries = None if topic.tail is None else topic.tail.after(after, limit)
        if entries:
            return [entry.publication for entry in entries]
        stored = await self._reads.read(topic, after, limit)
        return stored.publications if stored.epoch == topic.epoch else ()


async def _shown(subscription: Subscription, publications: Sequence[Publication]) -> Sequence[Publication]:
    """Write publications as the client wants them."""
    wanted = wanted_of(publications, subscription.filter)
    if not (subscription.delta and wanted):
        return wanted
    topic, epoch = subscription.topic, subscription.topic.epoch
    shown: list[Publication] = []
    size = 0
    for publication, one in zip(wanted, topic.have_views().deltas.chain(wanted), strict=True):
        shown.append(one)
        size += len(publication.data)
        if size >= BYTES_PER_TURN:
            size = 0
            await trio.lowlevel.checkpoint()
            if topic.epoch != epoch:
                return ()
    have_base(subscription, wanted[-1])
    return shown
