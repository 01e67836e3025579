"""Whatever mix of deltas, filters, slow clients, lost hints and returns: each client ends with the very bytes published that it wants."""

from __future__ import annotations

import msgspec
import pytest
import trio
from hub.story import shorten_turns, tell
from hub.views import ViewClient, tagged, wants
from trio.testing import wait_all_tasks_blocked

from trio_gateway.hub import views
from trio_gateway.hub.deltas import BYTES_PER_TURN
from trio_gateway.hub.topic import FEW_USERS
from trio_gateway.hub.views import QUESTIONS_PER_TURN
from trio_gateway.model.position import Position
from trio_gateway.model.publication import Publication
from trio_gateway.model.recovery import Stored

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
    monkeypatch.setattr(views, "QUESTIONS_PER_TURN", 3)
    monkeypatch.setattr(views, "BYTES_PER_TURN", 1000)
    story = await tell(Story, seed)

    assert story.check()


async def give_way(hub, clients, size):
    """Publish while clients of one channel are many, and count the turns that others get until all have it."""
    for client in clients:
        await client.subscribe("delta:x")
    topic = hub._topics["delta:x"]
    news = [Publication(n, n - 1, b'"%b%d"' % (b"x" * size, n), 0, tags=tagged("a")) for n in range(1, 11)]
    topic.take_stored(Stored(topic.epoch, 10, news))
    turns = 0

    async def count_turns():
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as beside:
        beside.start_soon(count_turns)
        await topic.fan_out()
        beside.cancel_scope.cancel()
    return turns


async def test_many_filters_give_way_also_where_they_match_nothing(hub, broker):
    """Each publication is a turn of its own where there are so many."""
    clients = [ViewClient(hub, filter=wants(f"{number}")) for number in range(QUESTIONS_PER_TURN)]

    assert await give_way(hub, clients, 10) >= 5


async def test_few_filters_do_not(hub, broker):
    assert await give_way(hub, [ViewClient(hub, filter=wants("b")) for _ in range(3)], 10) <= 2


async def test_deltas_of_much_data_give_way(hub, broker):
    assert await give_way(hub, [ViewClient(hub, delta=True)], BYTES_PER_TURN) >= 5
