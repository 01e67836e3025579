"""Whatever mix of deltas, filters, slow clients, lost hints and returns: each client ends with the very bytes published that it wants."""

from __future__ import annotations

from functools import partial

import msgspec
import pytest
import trio
from hub.story import shorten_turns, tell
from hub.views import ViewClient, tagged, wants
from trio.testing import wait_all_tasks_blocked

from trio_gateway.broker.broker import Hint
from trio_gateway.hub import views
from trio_gateway.hub.audience import SENDS_PER_TURN
from trio_gateway.hub.deltas import BYTES_PER_TURN
from trio_gateway.hub.topic import FEW_USERS
from trio_gateway.hub.views import COMPARISONS_PER_TURN
from trio_gateway.model.position import Position
from trio_gateway.model.publication import Publication
from trio_gateway.model.recovery import Stored
from trio_gateway.model.tags_filter import MAX_NODES, read_filter

CHANNELS = ("delta:a", "delta:b")
TAGS = "abc"


class Story:
    """Let things happen to clients of all kinds, by chance."""

    def __init__(self, chance, broker, hub, nursery):
        self.chance, self.broker, self.hub, self.nursery = chance, broker, hub, nursery
        self.there = []
        self.gone = []
        self.published = {channel: {} for channel in CHANNELS}
        self.unkept = set()
        self.state = {channel: {f"field {n}": n for n in range(12)} for channel in CHANNELS}

    def new_client(self):
        kind = self.chance.choice(["delta", "delta", "filter", "filter", "plain"])
        values = self.chance.choice([("a",), ("b", "c"), ()]) or ("none",)
        client = ViewClient(self.hub, delta=kind == "delta", filter=wants(*values) if kind == "filter" else None)
        client.values = values if kind == "filter" else TAGS
        self.nursery.start_soon(client.run)
        return client

    async def join(self, channel, recover=None, before=None):
        client = self.new_client()
        if before is not None:
            client.delta, client.filter, client.values = before.delta, before.filter, before.values
        subscription = await client.subscribe(channel, recover=recover)
        start = subscription.cursor if recover is None else recover.offset
        self.there.append((client, subscription, start))

    async def publish(self, *, skip_history=False):
        for _ in range(self.chance.randint(1, 6)):
            channel, tag = self.chance.choice(CHANNELS), self.chance.choice(TAGS)
            fields = self.state[channel]
            fields[f"field {self.chance.randrange(20)}"] = (
                self.chance.random() if self.chance.random() < 0.9 else "ж" * 99
            )
            data = msgspec.json.encode(fields)
            position = await self.broker.publish(channel, data, tags=tagged(tag), skip_history=skip_history)
            if position.offset:
                self.published[channel][position.offset] = (data, tag)
            else:
                self.unkept.add(data)

    def leave(self):
        """Leave, and perhaps come back with what was received last."""
        client, subscription, start = self.there.pop(self.chance.randrange(len(self.there)))
        if subscription.topic.epoch and self.chance.random() < 0.7:
            position = Position(subscription.topic.epoch, max([start, *client.offsets]))
            self.nursery.start_soon(self.join, subscription.topic.channel, position, client)
        self.hub.unsubscribe(subscription)
        client.subscriber.behind.clear()
        client.room = 0
        self.gone.append((client, subscription))

    async def happen(self):
        match self.chance.choice([*"pppppppujjjsssttldr"]):
            case "p":
                await self.publish()
            case "u":
                await self.publish(skip_history=True)
            case "j":
                self.nursery.start_soon(self.join, self.chance.choice(CHANNELS))
            case "t":
                for _ in range(self.chance.randint(1, 5)):
                    await trio.lowlevel.checkpoint()
            case "l" if self.there:
                self.leave()
            case "s" if self.there:
                self.slow_down(self.chance.choice(self.there)[0])
            case "d":
                self.broker.deaf = not self.broker.deaf
            case "r":
                await self.hub.take_feed_resumed()

    def slow_down(self, client):
        if client.room is None:
            client.stall()
            client.room = self.chance.choice([0, 0, 1, 2])
        else:
            client.resume()

    async def end(self):
        self.broker.deaf = False
        await wait_all_tasks_blocked()
        for client, *_ in self.there:
            client.resume()
        await self.hub.take_feed_resumed()
        await wait_all_tasks_blocked()

    def check(self):
        for client, subscription, start in self.there:
            published = self.published[subscription.topic.channel]
            wanted = [offset for offset, (_, tag) in published.items() if offset > start and tag in client.values]
            assert subscription.live
            assert client.offsets == wanted
        for client, subscription, *_ in self.there + self.gone:
            published = self.published[subscription.topic.channel]
            for offset, data in client.received:
                assert data in self.unkept if not offset else data == published[offset][0]
        return sum(client.patches for client, *_ in self.there + self.gone)


@pytest.mark.parametrize("few", [0, FEW_USERS])
@pytest.mark.parametrize("seed", range(60))
async def test_whatever_happens_everybody_ends_with_the_very_bytes(monkeypatch, mock_clock, few, seed):
    shorten_turns(monkeypatch, few)
    monkeypatch.setattr(views, "COMPARISONS_PER_TURN", 2)
    monkeypatch.setattr(views, "BYTES_PER_TURN", 1000)
    story = await tell(Story, seed)

    assert story.check()


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
