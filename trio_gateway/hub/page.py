"""A page is what one poll brings to a client that is behind; here, to one that wants publications other than as they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from trio_gateway.hub.deltas import BYTES_PER_TURN
from trio_gateway.hub.subscription import Subscription
from trio_gateway.model.publication import Publication
from trio_gateway.model.tags_filter import TagsFilter, read_tags

PAGE_BYTES = 64 * 1024
"""A page is cut after so many bytes; one publication always fits."""


def view_page(subscription: Subscription, publications: Sequence[Publication]) -> bytes:
    """Write what a client wants of publications (at least one) that continue its cursor; move the cursor behind them.

    Cut after PAGE_BYTES, or where the deltas of it stand for BYTES_PER_TURN of data. Of deltas the first publication is
    whole, and the client has a base then.
    """
    topic, codec = subscription.topic, subscription.subscriber.codec
    head = topic.audience(codec).head
    wanted = wanted_of(publications, subscription.filter)
    shown: Iterable[Publication] = topic.have_views().deltas.chain(wanted) if subscription.delta else wanted
    frames: list[bytes] = []
    size = data_size = 0
    subscription.cursor = publications[-1].offset
    for publication, one in zip(wanted, shown, strict=True):
        frames.append(codec.encode_publication(head, one))
        size += len(frames[-1])
        data_size += len(publication.data)
        if size >= PAGE_BYTES or data_size >= BYTES_PER_TURN:
            subscription.cursor = publication.offset
            break
    if subscription.delta:
        have_base(subscription, wanted[len(frames) - 1])
    return b"".join(frames)


def have_base(subscription: Subscription, publication: Publication) -> None:
    """Note that a client of deltas was sent this publication last."""
    subscription.has_base = True
    if publication.offset == subscription.topic.top:
        subscription.topic.have_views().deltas.learn(publication)


def wanted_of(publications: Sequence[Publication], filter: TagsFilter | None) -> Sequence[Publication]:
    """Leave out what a filter does not match."""
    if filter is None:
        return publications
    return [publication for publication in publications if filter.matches(read_tags(publication.tags))]
