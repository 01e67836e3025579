"""Whatever mix of deltas, filters, slow clients, lost hints and returns: each client ends with the very bytes published that it wants."""

from __future__ import annotations

from functools import partial

import msgspec
import pytest
import trio
from hub.story import shorten_turns, tell
from hub.views import ViewClient, tagged, wants
from hub.views_story import Story, StoryOfLosses

from trio_gateway.broker.broker import Hint
from trio_gateway.hub import views
from trio_gateway.hub.audience import SENDS_PER_TURN
from trio_gateway.hub.deltas import BYTES_PER_TURN
from trio_gateway.hub.topic import FEW_USERS
from trio_gateway.hub.views import COMPARISONS_PER_TURN
from trio_gateway.model.publication import Publication
from trio_gateway.model.recovery import Stored
from trio_gateway.model.tags_filter import MAX_NODES, read_filter


@pytest.fixture(params=[0, FEW_USERS])
def short_turns(request, monkeypatch, mock_clock):
    shorten_turns(monkeypatch, request.param)
    monkeypatch.setattr(views, "COMPARISONS_PER_TURN", 2)
    monkeypatch.setattr(views, "BYTES_PER_TURN", 1000)


@pytest.mark.usefixtures("short_turns")
@pytest.mark.parametrize("seed", range(35))
async def test_whatever_happens_everybody_ends_with_the_very_bytes(seed):
    assert (await tell(Story, seed)).check()


@pytest.mark.usefixtures("short_turns")
@pytest.mark.parametrize("seed", range(15))
async def test_whatever_is_lost_nobody_gets_other_bytes_or_too_many_and_all_go_on(seed):
    (await tell(StoryOfLosses, seed)).check()


async def turns_during(work):
    """Count the turns that others get until `work` is done."""
    turns = 0

    async def count_turns():
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as beside:
        beside.start_soon(count_turns)
        await work()
        beside.cancel_scope.cancel()
    return turns


async def subscribe_all(clients):
    subscriptions = [await client.subscribe("delta:x") for client in clients]
    return subscriptions[0].topic


def news_of(count, size=10):
    """Make publications that follow each other, from the first one on, each of `size` bytes."""
    return [Publication(n, n - 1, b'"%b%d"' % (b"x" * size, n), 0, tags=tagged("a")) for n in range(1, count + 1)]


async def give_way(clients, size, count=10):
    """Publish while clients of one channel are many, and count the turns that others get until all have it."""
    topic = await subscribe_all(clients)
    topic.take_stored(Stored(topic.epoch, count, news_of(count, size)))
    return await turns_during(topic.fan_out)


def with_filters(hub, count, comparisons=1):
    """Make clients, each with a filter of its own that lets nothing through."""
    leaves = [{"key": f"{number}", "cmp": "ex"} for number in range(comparisons - 1)]
    each = [[*leaves, {"key": "k", "cmp": "eq", "val": f"{number}"}] for number in range(count)]
    filters = [read_filter(msgspec.json.encode({"op": "or", "nodes": nodes})) for nodes in each]
    return [ViewClient(hub, filter=filter) for filter in filters]


async def test_many_filters_give_way_also_where_they_match_nothing(hub):
    assert await give_way(with_filters(hub, COMPARISONS_PER_TURN // 2), 10) >= 5


async def test_one_publication_to_very_many_filters_gives_way(hub):
    assert await give_way(with_filters(hub, 5000), 10, count=1) >= 2


async def test_filters_of_many_comparisons_give_way_the_more_often(hub):
    assert (
        await give_way(with_filters(hub, 500, MAX_NODES - 1), 10, count=1)
        >= 500 * MAX_NODES // COMPARISONS_PER_TURN // 2
    )


async def test_very_many_filters_give_way_also_where_all_match(hub):
    """So that no turn makes more frames than it sends."""
    clients = [ViewClient(hub, filter=wants("a", f"{number}")) for number in range(2 * SENDS_PER_TURN)]
    topic = await subscribe_all(clients)
    topic.take_stored(Stored(topic.epoch, 1, news_of(1)))

    assert [len(writes) for writes in topic._write_fresh()] == [SENDS_PER_TURN, SENDS_PER_TURN]


async def test_few_filters_do_not(hub):
    assert await give_way([ViewClient(hub, filter=wants("b")) for _ in range(3)], 10) <= 2


async def test_deltas_of_much_data_give_way(hub):
    assert await give_way([ViewClient(hub, delta=True)], BYTES_PER_TURN) >= 5


async def take_hints(hub, clients, count, size=10):
    """Bring hints of one read of the feed, and count the turns that others get until all are taken."""
    topic = await subscribe_all(clients)
    hints = [Hint(topic.channel, topic.epoch, publication) for publication in news_of(count, size)]
    return await turns_during(partial(hub.take_hints, hints))


async def test_hints_to_few_users_give_way_also_where_their_filters_match_nothing(hub):
    assert await take_hints(hub, with_filters(hub, FEW_USERS), 1000) >= 1000 * FEW_USERS // COMPARISONS_PER_TURN // 2


async def test_hints_of_much_data_to_one_client_of_deltas_give_way(hub):
    """All of them are one write to it."""
    assert await take_hints(hub, [ViewClient(hub, delta=True)], 20, BYTES_PER_TURN) >= 5


async def test_hints_to_a_client_with_a_filter_do_not(hub):
    assert await take_hints(hub, with_filters(hub, 1), 100) <= 2


# -- What happens while the filters of one publication are asked, in turns


async def fan_out_until(topic, happen):
    """Let something happen after the first filter's turn, in a fan-out that asks one filter in each turn."""
    topic.take_stored(Stored(topic.epoch, 1, news_of(1)))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(topic.fan_out)
        await wait_until(lambda: topic._fanning_out)
        await happen(nursery)


async def wait_until(condition):
    while not condition():
        await trio.lowlevel.checkpoint()


@pytest.fixture
def clients(hub, monkeypatch):
    monkeypatch.setattr(views, "COMPARISONS_PER_TURN", 1)
    return [ViewClient(hub, filter=wants("a", f"{number}")) for number in range(20)]


async def test_what_is_left_of_the_filters_is_void_once_a_new_epoch_began(clients):
    topic = await subscribe_all(clients)

    async def begin_anew(nursery):
        topic.begin("another", 0)

    await fan_out_until(topic, begin_anew)

    assert 0 < sum(len(client.offsets) for client in clients) < 20
    assert all(client.subscriber.behind for client in clients)


async def test_a_fan_out_that_is_cut_off_between_filters_leaves_everybody_behind_where_it_was(clients):
    topic = await subscribe_all(clients)

    async def cut_off(nursery):
        nursery.cancel_scope.cancel()

    await fan_out_until(topic, cut_off)

    assert 0 < sum(len(client.offsets) for client in clients) < 20
    for client in clients:
        (subscription,) = client.subscriber.behind
        assert subscription.cursor == len(client.offsets)


async def test_who_joins_or_leaves_between_filters_is_sent_nothing_of_it(hub, clients):
    *early, late = clients
    subscriptions = {client: await client.subscribe("delta:x") for client in early}
    topic = subscriptions[early[0]].topic
    left = []

    async def come_and_go(nursery):
        left.extend(client for client in early if not client.offsets)
        for client in left:
            hub.unsubscribe(subscriptions[client])
        subscriptions[late] = await late.subscribe("delta:x")

    await fan_out_until(topic, come_and_go)

    assert left
    assert not any(client.offsets for client in [late, *left])
    assert subscriptions[late].cursor == 1
    assert subscriptions[late].live
