"""A client with a filter gets what that matches; what it skips costs it nothing, and is no gap."""

from __future__ import annotations

import pytest
from hub.clients import CENTRIFUGO, CODEC
from hub.views import ViewClient, tagged, wants
from trio.testing import wait_all_tasks_blocked

from trio_gateway.broker.broker import Hint
from trio_gateway.hub.subscription import InsufficientState
from trio_gateway.model import tags_filter
from trio_gateway.model.position import Position
from trio_gateway.model.publication import Publication


class Anew(ViewClient):
    """Count how often publications were missing."""

    missing = 0

    async def run(self):
        while True:
            try:
                await super().run()
            except InsufficientState as error:
                self.missing += 1
                self.hub.unsubscribe(error.subscription)


@pytest.fixture
async def client(hub, nursery):
    client = Anew(hub, filter=wants("a"))
    nursery.start_soon(client.run)
    return client


async def publish(broker, channel, values, **options):
    """Publish one publication for each letter, which is its tag."""
    for value in values:
        await broker.publish(channel, b"1", tags=tagged(value), **options)
        await wait_all_tasks_blocked()


async def test_only_what_matches_is_sent(broker, client):
    await client.subscribe("news")
    await publish(broker, "news", "abcab")
    await broker.publish("news", b"1")
    await publish(broker, "news", "a")

    assert client.offsets == [1, 4, 7]
    assert client.writes == 3


async def test_what_is_skipped_leaves_the_client_live(hub, broker, client):
    subscription = await client.subscribe("news")
    reads = broker.reads
    await publish(broker, "news", "bbbba")

    assert subscription.live
    assert client.offsets == [5]
    assert broker.reads == reads


def hints(subscription, values):
    """Make the hints of one read of the feed, as if nothing had been published before."""
    news = [Publication(n, n - 1, b"1", 0, tags=tagged(value)) for n, value in enumerate(values, 1)]
    return [Hint(subscription.topic.channel, subscription.epoch, one) for one in news]


async def test_what_one_read_of_the_feed_brings_is_one_write_also_across_what_is_skipped(hub, client):
    subscription = await client.subscribe("news")
    await hub.take_hints(hints(subscription, "babba"))

    assert client.offsets == [2, 5]
    assert client.writes == 1


async def test_half_of_a_write_taken_is_where_the_next_one_that_it_wants_begins(hub, client):
    """So that what is skipped in between may expire."""
    subscription = await client.subscribe("news")
    client.room = 1
    await hub.take_hints(hints(subscription, "babba"))

    assert client.offsets == [2]
    assert subscription.cursor == 4


async def test_clients_with_the_same_filter_are_asked_about_once(hub, broker, client, monkeypatch):
    asked = []
    original = tags_filter.TagsFilter
    others = [ViewClient(hub, filter=wants("a")) for _ in range(3)]
    for one in others:
        one.filter = original(one.filter.text, 1, lambda tags: asked.append(tags) or True)
        await one.subscribe("news")
    await publish(broker, "news", "a")

    assert len(asked) == 1
    assert all(one.offsets == [1] for one in others)


async def test_each_filter_has_its_own_publications(hub, broker, client):
    other = ViewClient(hub, filter=wants("b", "c"))
    await client.subscribe("news")
    await other.subscribe("news")
    await publish(broker, "news", "abcd")

    assert (client.offsets, other.offsets) == ([1], [2, 3])


@pytest.mark.parametrize("codec", [CODEC, CENTRIFUGO], ids=lambda codec: codec.name)
async def test_without_history_only_what_matches_is_sent_too(hub, broker, codec):
    client = Anew(hub, codec, filter=wants("a"))
    client._receive_from = lambda place: None
    await client.subscribe("none:x")
    await publish(broker, "none:x", "ab")

    assert len(client.got) == 1


async def test_what_was_skipped_and_has_expired_is_no_gap(broker, client):
    """Of ten publications in a history of three, none was for this client: it has missed nothing."""
    await client.subscribe("brief:x", positioned=True)
    await publish(broker, "brief:x", "bbbbbbbbbb")
    client.stall()
    await publish(broker, "brief:x", "a")
    client.resume()
    await wait_all_tasks_blocked()

    assert not client.missing
    assert client.offsets == [11]


async def test_what_was_skipped_is_no_gap_for_one_that_falls_behind_with_all_others(broker, client):
    """As when a fan-out is cut off."""
    subscription = await client.subscribe("brief:x", positioned=True)
    await publish(broker, "brief:x", "bbbbbbbbbb")
    subscription.topic._everybody_falls_behind()
    await wait_all_tasks_blocked()

    assert not client.missing
    assert subscription.live


async def test_what_it_wanted_and_has_expired_is_missing(broker, client):
    await client.subscribe("brief:x", positioned=True)
    client.stall()
    await publish(broker, "brief:x", "abbbb")

    client.resume()
    await wait_all_tasks_blocked()
    assert client.missing == 1


async def test_a_hole_that_nobody_knows_the_tags_of_is_missing_at_once(broker, hub, client):
    await client.subscribe("delta:x", positioned=True)
    await publish(broker, "delta:x", "ab")
    broker.deaf = True
    await publish(broker, "delta:x", "?")
    broker._streams.discard("delta:x")
    await publish(broker, "delta:x", "b")
    broker.deaf = False
    await hub.take_feed_resumed()
    await wait_all_tasks_blocked()

    assert client.missing == 1


async def test_a_slow_client_gets_what_it_wants_of_what_it_missed(broker, client):
    subscription = await client.subscribe("news")
    client.stall()
    await publish(broker, "news", "ab" * 10)
    client.resume()
    await wait_all_tasks_blocked()

    assert client.offsets == list(range(1, 20, 2))
    assert subscription.live
    assert subscription.cursor == 20


async def test_recovery_brings_only_what_it_wants(hub, broker, client):
    first = await client.subscribe("news")
    await publish(broker, "news", "abcabc")
    back = ViewClient(hub, filter=wants("b"))
    await back.subscribe("news", recover=Position(first.epoch, 2))
    await publish(broker, "news", "ab")

    assert back.offsets == [5, 8]


async def test_a_new_epoch_begins_anew(broker, client):
    await client.subscribe("news")
    await publish(broker, "news", "ab")
    broker.forget_everything()
    await publish(broker, "news", "ba")

    assert client.offsets == [1, 2]


async def test_a_filter_that_nobody_has_any_more_is_forgotten(hub, broker, client):
    others = [ViewClient(hub, filter=wants(str(number))) for number in range(5)]
    subscriptions = [await one.subscribe("news") for one in (client, *others)]
    views = subscriptions[0].topic.views
    assert len(views._by_filter) == 6
    for subscription in subscriptions:
        hub.unsubscribe(subscription)

    assert not views._by_filter
