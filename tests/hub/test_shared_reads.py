"""Clients that miss the same read the store together, and each gets exactly what it would have got alone."""

import random

import pytest
import trio
from hub.clients import CENTRIFUGO, FakeClient
from hub.faulty_broker import FaultyBroker, publish
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_gateway.hub.hub import TICK_SECONDS
from trio_gateway.hub.shared_reads import REACH, SharedReads
from trio_gateway.hub.tail import TailBudget
from trio_gateway.hub.topic import Topic
from trio_gateway.hub.windows import KEPT_SECONDS
from trio_gateway.model.errors import BrokerUnavailable
from trio_gateway.model.position import START, Position
from trio_gateway.model.recovery import recover

MANY = 1000


class SlowBroker(FaultyBroker):
    """Hold each read's answer back until it is let through, while `slow`."""

    def __init__(self):
        super().__init__()
        self.slow = False
        self.held = []
        self.asked = []

    async def read(self, channel, after, limit):
        self.asked.append((after, limit))
        stored = await super().read(channel, after, limit)
        if self.slow:
            self.held.append(trio.Event())
            await self.held[-1].wait()
        return stored

    def let_through(self):
        for each in self.held:
            each.set()
        self.held.clear()


@pytest.fixture
async def broker():
    return SlowBroker()


@pytest.fixture
async def topic(broker):
    """A topic of two users that knows where the store stands after 40 publications."""
    for number in range(40):
        await broker.publish("news", b"%d" % number)
    return await shared_topic(broker, "news")


async def shared_topic(broker, channel):
    topic = Topic(channel, TailBudget())
    attachment = await broker.attach(channel)
    topic.begin(attachment.epoch, attachment.top)
    topic.hold()
    topic.hold()
    return topic


def offsets_of(stored):
    return [each.offset for each in stored.publications]


async def reconnect(hub, positions, recovered):
    """Let a client recover from each position, all at once."""

    async def recover_from(position):
        client = FakeClient(hub, CENTRIFUGO)
        subscription = await hub.subscribe(client.subscriber, "news", since=position)
        replayed = await hub.replay(subscription, position, 300)
        subscription.start()
        recovered.append((position.offset, [each.offset for each in replayed.publications]))

    async with trio.open_nursery() as nursery:
        for position in positions:
            nursery.start_soon(recover_from, position)


@pytest.mark.parametrize("spread", [0, 30])
async def test_a_thousand_clients_that_reconnect_cost_a_few_reads(hub, broker, spread, autojump_clock):
    await publish(broker, "news", 100)
    epoch = (await broker.attach("news")).epoch
    recovered = []
    await reconnect(hub, [Position(epoch, 90 - number % (spread + 1)) for number in range(MANY)], recovered)

    assert len(recovered) == MANY
    assert all(offsets == list(range(position + 1, 101)) for position, offsets in recovered)
    assert broker.reads <= 2


async def test_a_thousand_clients_that_come_one_after_another_cost_a_few_reads(hub, broker, autojump_clock):
    """Each has seen a little less than the one before, and the channel is busy."""
    await publish(broker, "news", 90)
    epoch = (await broker.attach("news")).epoch
    recovered = []
    for number in range(MANY):
        if not number % 100:
            await publish(broker, "news", 1)
        await reconnect(hub, [Position(epoch, 88 - number // 50)], recovered)

    assert all(offsets == list(range(position + 1, offsets[-1] + 1)) for position, offsets in recovered)
    assert [offsets[-1] for _, offsets in recovered] == [91 + number // 100 for number in range(MANY)]
    assert broker.reads <= 3


async def test_a_thousand_clients_that_are_behind_cost_a_few_reads(hub, broker, nursery, autojump_clock):
    await publish(broker, "news", 100)
    epoch = (await broker.attach("news")).epoch
    clients = [FakeClient(hub) for _ in range(MANY)]
    for number, client in enumerate(clients):
        nursery.start_soon(client.run)
        await client.subscribe("news", since=Position(epoch, 60 + number % 20))
    await wait_all_tasks_blocked()

    assert all(client.offsets == list(range(61 + number % 20, 101)) for number, client in enumerate(clients))
    assert broker.reads <= 3


async def test_a_thousand_clients_that_missed_what_is_gone_cost_a_few_reads(hub, broker, autojump_clock):
    await publish(broker, "news", 100)
    epoch = (await broker.attach("news")).epoch
    await broker.remove_history("news")
    recovered = []
    await reconnect(hub, [Position(epoch, 60 + number % 20) for number in range(MANY)], recovered)

    assert not any(offsets for _, offsets in recovered)
    assert broker.reads <= 2


async def test_a_thousand_clients_learn_at_once_that_the_store_is_away(hub, broker, autojump_clock):
    await publish(broker, "news", 10)
    epoch = (await broker.attach("news")).epoch
    keep = FakeClient(hub)
    await keep.subscribe("news")
    failed = []

    async def read_later(channel, after, limit):
        await trio.sleep(1.5)
        raise BrokerUnavailable("no answer")

    async def ask():
        with pytest.raises(BrokerUnavailable):
            await reconnect_one(hub, Position(epoch, 5))
        failed.append(trio.current_time())

    broker.read = read_later
    start = trio.current_time()
    async with trio.open_nursery() as nursery:
        for _ in range(MANY):
            nursery.start_soon(ask)

    assert len(failed) == MANY
    assert max(failed) - start < 2


async def reconnect_one(hub, position):
    subscription = await hub.subscribe(FakeClient(hub).subscriber, "news", since=position)
    try:
        return await hub.replay(subscription, position, 300)
    except BrokerUnavailable:
        hub.unsubscribe(subscription)
        raise


async def test_who_reads_alone_reads_what_was_asked_for_and_leaves_nothing(broker, topic):
    reads = SharedReads(broker)
    topic.users = 1
    for after in (10, 10, 20):
        assert offsets_of(await reads.read(topic, after, 5)) == list(range(after + 1, after + 6))

    assert broker.asked == [(10, 5), (10, 5), (20, 5)]
    assert reads.used == 0


async def test_the_first_of_many_reads_no_more_than_was_asked_for(broker, topic):
    reads = SharedReads(broker)
    await reads.read(topic, 30, 5)

    assert broker.asked == [(30, 5)]


async def test_once_two_ask_a_read_goes_further_both_ways(broker, topic):
    reads = SharedReads(broker)
    await reads.read(topic, 30, 5)
    await reads.read(topic, 20, 5)
    for after in (0, 7, 29):
        assert offsets_of(await reads.read(topic, after, 5)) == list(range(after + 1, after + 6))

    assert broker.asked == [(30, 5), (0, 2 * REACH)]


async def test_who_reads_on_does_not_read_back(broker, topic):
    reads = SharedReads(broker)
    await reads.read(topic, 20, 5)
    await reads.read(topic, 25, 5)

    assert broker.asked == [(20, 5), (25, REACH)]


async def test_who_comes_during_a_read_waits_for_it(broker, topic, nursery):
    reads, got, broker.slow = SharedReads(broker), [], True

    async def ask(after):
        got.append((after, offsets_of(await reads.read(topic, after, 3))))

    nursery.start_soon(ask, 30)
    await wait_all_tasks_blocked()
    nursery.start_soon(ask, 31)
    await wait_all_tasks_blocked()
    broker.let_through()
    await wait_all_tasks_blocked()

    assert sorted(got) == [(30, [31, 32, 33]), (31, [32, 33])]
    assert broker.asked == [(30, 3)]


async def test_a_reader_that_leaves_does_not_take_the_others_read_along(broker, topic, nursery):
    reads, got, broker.slow = SharedReads(broker), [], True
    leaving = trio.CancelScope()

    async def leave():
        with leaving:
            await reads.read(topic, 30, 3)

    async def ask():
        got.append(offsets_of(await reads.read(topic, 30, 3)))

    nursery.start_soon(leave)
    await wait_all_tasks_blocked()
    nursery.start_soon(ask)
    await wait_all_tasks_blocked()
    broker.slow = False
    leaving.cancel()
    await wait_all_tasks_blocked()

    assert got == [[31, 32, 33]]
    assert not reads._lines


async def test_publications_too_large_for_one_read_are_read_on(broker):
    """A read that goes further back may be cut before it comes to what was asked for."""
    for _ in range(12):
        await broker.publish("news", b'"' + b"x" * 300_000 + b'"')
    topic = await shared_topic(broker, "news")
    reads = SharedReads(broker)
    await reads.read(topic, 11, 1)

    assert offsets_of(await reads.read(topic, 9, 1)) == [10]
    assert broker.asked[2:] == [(9, 1)]


async def test_what_is_kept_for_others_is_let_go_when_nobody_asks(hub, broker, autojump_clock):
    await publish(broker, "news", 100)
    epoch = (await broker.attach("news")).epoch
    await reconnect(hub, [Position(epoch, 90)] * 3, [])
    assert hub._reads.used
    await trio.sleep(KEPT_SECONDS + 2 * TICK_SECONDS)

    assert not hub._reads.used


async def test_a_new_epoch_that_a_read_shows_is_believed_by_all_who_asked(hub, broker, nursery):
    """None of them goes on asking, and all are told that what they had is void."""
    await publish(broker, "news", 60)
    clients = [FakeClient(hub) for _ in range(50)]
    for client in clients:
        nursery.start_soon(client.run)
        subscription = await client.subscribe("news")
    broker.deaf = True
    broker.forget_everything()
    await publish(broker, "news", 2)
    subscription.topic.skip_to(61)
    await wait_all_tasks_blocked()

    assert all(client.gaps == [(None, None)] for client in clients)
    assert all(client.offsets == [1, 2] for client in clients)
    assert broker.reads <= 6


class Reader:
    """Catch up with a topic as a client does, noting what it gets, and what the store kept at the end of each read."""

    def __init__(self, reads, broker, topic, position):
        self.reads, self.broker, self.topic = reads, broker, topic
        self.position = position
        self.got = []
        self.reading = False

    async def read(self, limit):
        if self.reading or self.caught_up:
            return
        self.reading, epoch, known = True, self.topic.epoch, self.topic.top
        after = self.position.offset if self.position.epoch == epoch else 0
        stored = await self.reads.read(self.topic, after, limit)
        self.reading = False
        if stored.epoch != self.topic.epoch:
            await hear(self.broker, self.topic)
        elif epoch == self.topic.epoch:
            self.take(stored, after, known)

    def take(self, stored, after, known):
        """The store loses publications from the start only, and never its tail: nothing that it keeps may be passed by."""
        recovered = recover(self.position, stored)
        kept = [each for each in self.broker._kept(self.topic.channel) if each.offset > after]
        meta = self.broker._metas.get(self.topic.channel)
        if meta is not None and meta.epoch == stored.epoch:
            passed = [each for each in kept if each.offset <= recovered.cursor.offset]
            assert [each for each in passed if each not in recovered.publications] == []
        assert recovered.publications or recovered.cursor.offset >= known
        assert recovered.cursor != self.position
        self.position = recovered.cursor
        if recovered.gap:
            self.got.append((recovered.gap.first, recovered.gap.last))
        self.got += recovered.publications

    @property
    def caught_up(self):
        return self.position.epoch == self.topic.epoch and self.position.offset >= self.topic.top

    def check(self, start, published):
        """Each publication once, in order, or in a gap; in a new epoch everything that is kept, after a gap without bounds."""
        cursor = start.offset if start.epoch else None
        for one in self.got:
            if one == (None, None):
                cursor = None
            elif isinstance(one, tuple):
                assert cursor in (None, one[0] - 1)
                cursor = one[1]
            else:
                assert published[one.offset, one.data]
                assert cursor in (None, one.prev)
                cursor = one.offset
        assert start.epoch in ("", self.position.epoch) or (None, None) in self.got
        assert cursor in (None, self.position.offset)
        assert self.caught_up


async def hear(broker, topic):
    """Let the topic learn where the store stands."""
    attachment = await broker.attach(topic.channel)
    if attachment.epoch != topic.epoch:
        topic.begin(attachment.epoch, attachment.top)
    topic.top = max(topic.top, attachment.top)


events = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(1, 5)),
        st.tuples(st.just("read"), st.integers(0, 3)),
        st.tuples(st.just("read"), st.integers(0, 3)),
        st.tuples(st.sampled_from(["slow", "answer", "hear", "hear", "lose", "forget", "leave"]), st.just(0)),
        st.tuples(st.just("wait"), st.sampled_from([0.5, 3])),
    ),
    max_size=60,
)


@settings(max_examples=200)
@given(events, st.integers(1, 4))
def test_shared_or_not_a_reader_gets_everything_once_or_is_told(happenings, limit):
    """Readers at different places of one channel read while it is published to, trimmed, emptied, and begun anew."""

    async def story():
        broker, clock = SlowBroker(), trio.lowlevel.current_clock()
        published = dict.fromkeys([(0, b"")])
        channel = "brief:x"

        async def publish_one():
            data = b"%d" % len(published)
            position = await broker.publish(channel, data)
            published[position.offset, data] = True

        for _ in range(4):
            await publish_one()
        topic = await shared_topic(broker, channel)
        reads = SharedReads(broker)
        starts = [START, *(Position(topic.epoch, offset) for offset in (1, 2, 4))]
        readers = [Reader(reads, broker, topic, start) for start in starts]
        async with trio.open_nursery() as nursery:
            leaver = trio.CancelScope()

            async def leave_early():
                with leaver:
                    await reads.read(topic, 0, limit)

            for event, number in happenings:
                match event:
                    case "publish":
                        for _ in range(number):
                            await publish_one()
                    case "read":
                        nursery.start_soon(readers[number].read, limit)
                    case "slow":
                        broker.slow = True
                    case "answer":
                        broker.slow = False
                        broker.let_through()
                    case "hear":
                        await hear(broker, topic)
                    case "lose":
                        await broker.remove_history(channel)
                    case "forget":
                        broker.forget_everything()
                    case "leave":
                        leaver.cancel()
                        leaver = trio.CancelScope()
                        nursery.start_soon(leave_early)
                    case "wait":
                        clock.jump(number)
                await wait_all_tasks_blocked(0.0)
            broker.slow = False
            broker.let_through()
            await wait_all_tasks_blocked(0.0)
            await hear(broker, topic)
            for reader in readers:
                for _ in range(100):
                    await reader.read(limit)
        for reader, start in zip(readers, starts, strict=True):
            reader.check(start, published)
        assert not reads._lines

    trio.run(story, clock=MockClock())


@pytest.mark.parametrize("seed", range(30))
async def test_whatever_the_order_all_recover_what_they_missed(broker, seed, hub):
    """Clients with places all over the history recover in random order while the channel is published to."""
    chance = random.Random(seed)
    await publish(broker, "news", 60)
    epoch = (await broker.attach("news")).epoch
    recovered = []
    async with trio.open_nursery() as nursery:
        for _ in range(40):
            positions = [Position(epoch, chance.randint(30, 60)) for _ in range(chance.randint(0, 3))]
            nursery.start_soon(reconnect, hub, positions, recovered)
            for _ in range(chance.randint(0, 2)):
                await trio.lowlevel.checkpoint()
            if chance.random() < 0.3:
                await broker.publish("news", b"1")

    assert all(offsets == list(range(offset + 1, offset + 1 + len(offsets))) for offset, offsets in recovered)
    assert all(offsets or offset == 60 for offset, offsets in recovered)
