"""A fan-out gives way and keeps the order, joins what continues, survives being cut off, and lets go of everybody."""

import gc

import pytest
import trio
from hub.clients import FakeClient
from hub.faulty_broker import publish
from hub.story import shorten_turns, tell
from trio.testing import wait_all_tasks_blocked

from trio_gateway.broker.broker import Hint
from trio_gateway.hub.audience import SENDS_PER_TURN
from trio_gateway.hub.hub import LINGER_SECONDS
from trio_gateway.hub.subscription import Subscription
from trio_gateway.hub.topic import FEW_USERS
from trio_gateway.model.publication import Publication
from trio_gateway.model.recovery import Stored


async def test_a_fan_out_to_very_many_gives_way_and_keeps_the_order(hub, broker):
    clients = [FakeClient(hub) for _ in range(SENDS_PER_TURN * 2 + 10)]
    for one in clients:
        await one.subscribe("news")
    for _ in range(3):
        await broker.publish("news", b"1")
        await trio.lowlevel.checkpoint()
    await wait_all_tasks_blocked()

    assert all(one.offsets == [1, 2, 3] for one in clients)


async def test_hints_of_many_channels_give_way_as_well(hub, broker):
    epochs = {}
    for number in range(4):
        for _ in range(SENDS_PER_TURN * 3 // 5):  # so that any two of them are more than one turn's
            subscription = await FakeClient(hub).subscribe(f"news{number}")
        epochs[subscription.topic.channel] = subscription.epoch
    turns = 0

    async def count_turns():
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as beside:
        beside.start_soon(count_turns)
        while not turns:
            await trio.lowlevel.checkpoint()
        before = turns
        await hub.take_hints([Hint(name, epoch, Publication(1, 0, b"1", 0)) for name, epoch in epochs.items()])
        beside.cancel_scope.cancel()

    assert turns > before


async def test_what_is_left_of_a_fan_out_is_void_once_a_new_epoch_began(hub):
    clients = [FakeClient(hub) for _ in range(SENDS_PER_TURN + 1)]
    subscriptions = [await one.subscribe("news") for one in clients]
    topic = subscriptions[0].topic
    topic.take_stored(Stored(topic.epoch, 5, (Publication(1, 0, b"1", 0), Publication(5, 4, b"5", 0))))

    async with trio.open_nursery() as beside:
        beside.start_soon(topic.fan_out)
        while not clients[0].got:
            await trio.lowlevel.checkpoint()
        topic.begin("new", 4)
        for subscription in subscriptions:
            subscription.epoch, subscription.cursor = "new", 4
            subscription.go_live()

    assert {offset for one in clients for offset in one.offsets} == {1}


def hint(subscription, offset):
    return Hint(subscription.topic.channel, subscription.epoch, Publication(offset, offset - 1, b"1", 0))


async def subscribe_many(hub, channel, count, nursery=None):
    clients = [FakeClient(hub) for _ in range(count)]
    for client in clients:
        if nursery is not None:
            nursery.start_soon(client.run)
        subscription = await client.subscribe(channel)
    return clients, subscription


@pytest.mark.parametrize("users", [FEW_USERS, FEW_USERS + 1, SENDS_PER_TURN])
async def test_hints_of_two_channels_in_turns_are_one_write_for_each_client(hub, users):
    ours, one = await subscribe_many(hub, "a", users)
    theirs, other = await subscribe_many(hub, "b", users)
    await hub.take_hints([hint(each, offset) for offset in range(1, 5) for each in (one, other)])

    assert {client.writes for client in (*ours, *theirs)} == {1}
    assert all(client.offsets == [1, 2, 3, 4] for client in (*ours, *theirs))


async def test_what_is_not_kept_comes_before_the_first_publication_that_is(hub):
    (client,), one = await subscribe_many(hub, "news", 1)
    await hub.take_hints([Hint("news", "", Publication(0, 0, b"0", 0)), hint(one, 1)])

    assert [frame.get("offset") for frame in client.got] == [None, 1]


async def cut_off(hub, hints, when):
    """Let the feed be lost while it takes these hints, and resume."""
    async with trio.open_nursery() as feed:
        feed.start_soon(hub.take_hints, hints)
        while not when():
            await trio.lowlevel.checkpoint()
        feed.cancel_scope.cancel()
    await hub.take_feed_resumed()
    await wait_all_tasks_blocked()


async def test_a_fan_out_that_is_cut_off_reaches_everybody_in_the_end(hub, broker, nursery):
    clients, one = await subscribe_many(hub, "news", 2 * SENDS_PER_TURN + 10, nursery)
    broker.deaf = True
    await publish(broker, "news", 1)
    await cut_off(hub, [hint(one, 1)], lambda: clients[0].got)

    assert all(client.offsets == [1] for client in clients)


async def test_what_waits_for_a_fan_out_when_the_feed_is_lost_is_not_forgotten(hub, broker, nursery):
    first, one = await subscribe_many(hub, "first", SENDS_PER_TURN + 1, nursery)
    second, other = await subscribe_many(hub, "second", SENDS_PER_TURN + 1, nursery)
    broker.deaf = True
    await publish(broker, "first", 1)
    await publish(broker, "second", 1)
    await cut_off(hub, [hint(one, 1), hint(other, 1)], lambda: first[0].got)

    assert all(client.offsets == [1] for client in (*first, *second))


async def test_without_history_nothing_overtakes_what_waits(hub):
    """The hint before makes a turn of its own, in which the channel loses most of its users."""
    (watcher, *_others), _ = await subscribe_many(hub, "none:x", FEW_USERS + 1)
    turns = [await subscribe_many(hub, f"turn{n}", FEW_USERS) for n in range(SENDS_PER_TURN // FEW_USERS)]
    between = [hint(one, 1) for _, one in turns]
    news = [Hint("none:x", "", Publication(0, 0, data, 0)) for data in (b'"A"', b'"B"')]
    async with trio.open_nursery() as feed:
        feed.start_soon(hub.take_hints, [news[0], *between, news[1]])
        while not turns[0][0][0].got:
            await trio.lowlevel.checkpoint()
        for subscription in list(hub._topics["none:x"].audience(watcher.subscriber.codec)._live)[1:]:
            hub.unsubscribe(subscription)

    assert [frame["data"] for frame in watcher.got] == ["A", "B"]


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def count(kind):
    return sum(type(one) is kind for one in gc.get_objects())


@pytest.mark.parametrize("by", ["feed", "store"])
async def test_who_has_left_is_let_go_without_the_collector(no_collector, hub, broker, autojump_clock, by):
    before = count(Subscription)
    clients, one = await subscribe_many(hub, "news", FEW_USERS + 1)
    broker.deaf = by == "store"
    await publish(broker, "news", 2)
    await hub.take_feed_resumed()
    await wait_all_tasks_blocked()
    assert clients[0].offsets == [1, 2]
    for subscription in list(one.topic.audience(clients[0].subscriber.codec)._live):
        hub.unsubscribe(subscription)
    del clients, one, subscription
    await trio.sleep(LINGER_SECONDS + 2)

    assert not hub.statistics().topics
    assert count(Subscription) == before


class Story:
    """Let clients join, leave, stall and read on while channels are published to and hints are lost, by chance."""

    CHANNELS = ("a", "b", "c")

    def __init__(self, chance, broker, hub, nursery):
        self.chance, self.broker, self.hub, self.nursery = chance, broker, hub, nursery
        self.there = []

    async def join(self, channel):
        client = FakeClient(self.hub)
        self.nursery.start_soon(client.run)
        self.there.append((client, await client.subscribe(channel)))

    async def publish(self):
        for _ in range(self.chance.randint(1, 6)):
            await self.broker.publish(self.chance.choice(self.CHANNELS), b"1")

    def leave(self):
        client, subscription = self.there.pop(self.chance.randrange(len(self.there)))
        self.hub.unsubscribe(subscription)
        client.subscriber.behind.clear()

    async def pass_turns(self):
        for _ in range(self.chance.randint(1, 5)):
            await trio.lowlevel.checkpoint()

    async def happen(self):
        match self.chance.choice([*"ppppppjjssttldr"]):
            case "p":
                await self.publish()
            case "j":
                self.nursery.start_soon(self.join, self.chance.choice(self.CHANNELS))
            case "t":
                await self.pass_turns()
            case "l" if self.there:
                self.leave()
            case "s" if self.there:
                client, _ = self.chance.choice(self.there)
                self.chance.choice([client.stall, client.resume])()
            case "d":
                self.broker.deaf = not self.broker.deaf
            case "r":
                await self.hub.take_feed_resumed()

    async def end(self):
        self.broker.deaf = False
        await wait_all_tasks_blocked()
        for client, _ in self.there:
            client.resume()
        await self.hub.take_feed_resumed()
        await wait_all_tasks_blocked()


@pytest.mark.parametrize("few", [0, 1, FEW_USERS])
@pytest.mark.parametrize("seed", range(60))
async def test_whatever_happens_everybody_gets_everything_once_in_order(monkeypatch, mock_clock, few, seed):
    shorten_turns(monkeypatch, few)
    story = await tell(Story, seed)

    for client, subscription in story.there:
        offsets = client.offsets
        assert subscription.live
        assert subscription.cursor == subscription.topic.top
        assert offsets == sorted(set(offsets))
        if offsets and not client.gaps:
            assert offsets == list(range(offsets[0], subscription.topic.top + 1))
