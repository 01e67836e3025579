"""A replay brings a client up to date in the very answer to its subscribe, where it asked for that (protocol §6.3).

It succeeds where everything after the client's position is still there. What goes beyond the bounds of
an answer follows as live publications do.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from trio_gateway.hub.shared_reads import SharedReads
from trio_gateway.hub.subscription import Subscription
from trio_gateway.hub.topic import Topic
from trio_gateway.model.position import Position
from trio_gateway.model.publication import Publication

MAX_BYTES = 1024 * 1024
"""Of data in one answer."""


@attrs.frozen
class Replayed:
    """Say whether nothing is missing after the position asked for, and bring the first publications after it."""

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
        topic, epoch = subscription.topic, subscription.topic.epoch
        replayed = await self._replay(subscription, asked, limit)
        if topic.epoch != epoch:
            replayed = NOT_RECOVERED  # the store lost everything meanwhile
        if not replayed.recovered:
            subscription.epoch, subscription.cursor = topic.epoch, topic.top
        return replayed

    async def _replay(self, subscription: Subscription, asked: Position, limit: int) -> Replayed:
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
