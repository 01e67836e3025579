"""What a client missed comes with the answer to its subscribe, whole and once; or it is told that something is gone."""

import msgspec
import pytest
import trio
from hub.clients import CODEC, CODECS, FakeClient
from hub.faulty_broker import NAMESPACES, FaultyBroker, publish
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from trio_gateway.hub.hub import Hub
from trio_gateway.hub.replay import MAX_BYTES
from trio_gateway.model.position import Position

JUMP = 1_700_000_000_000_000

by_codec = pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)


class Recovering(FakeClient):
    """Subscribe and recover, as the gateway does for a client that asks for it."""

    async def recover(self, channel, asked, limit=300):
        subscription = await self.hub.subscribe(self.subscriber, channel, since=asked)
        replayed = await self.hub.replay(subscription, asked, limit)
        self.replayed = [each.offset for each in replayed.publications]
        self.recovered = replayed.recovered
        subscription.start()
        return subscription


@pytest.fixture(params=CODECS, ids=lambda codec: codec.name)
async def client(hub, nursery, request):
    client = Recovering(hub, request.param)
    nursery.start_soon(client.run)
    return client


class Latest(Recovering):
    """Recover the latest publication alone."""

    async def recover(self, channel, asked, limit=300):
        subscription = await self.hub.subscribe(self.subscriber, channel, since=asked)
        replayed = await self.hub.replay_latest(subscription, asked, limit)
        self.replayed = [each.offset for each in replayed.publications]
        self.recovered = replayed.recovered
        subscription.start()
        return subscription


async def epoch_of(broker, channel):
    return (await broker.attach(channel)).epoch


async def publish_with_a_jump(broker, channel):
    """Publish, as a store does that can't know what it has lost."""
    await broker.publish(channel, b"1")
    stream = broker._streams.get(channel)
    stream.append(msgspec.structs.replace(stream.pop(), offset=JUMP))
    broker._metas.get(channel).top = JUMP


@pytest.mark.parametrize(
    ("asked", "recovered", "publications"),
    [
        (("e", 5), True, []),
        (("e", 4), True, [5]),
        (("e", 2), True, [3, 4, 5]),
        (("e", 1), False, []),  # 2 is gone
        (("e", 0), False, []),
        (("e", 9), True, []),  # the store has lost its tail: nothing is missing from the client's view
        (("", 5), True, []),
        (("", 3), True, [4, 5]),
        (("", 1), False, []),
        (("", 9), False, []),  # may be of another epoch
        (("f", 5), False, []),
        (("f", 3), False, []),
    ],
)
async def test_of_five_publications_the_last_three_are_kept(hub, broker, client, asked, recovered, publications):
    await publish(broker, "brief:x", 5)
    epoch, (asked_epoch, offset) = await epoch_of(broker, "brief:x"), asked
    subscription = await client.recover("brief:x", Position(epoch if asked_epoch == "e" else asked_epoch, offset))
    assert (client.recovered, client.replayed) == (recovered, publications)
    assert subscription.position == Position(epoch, 5)
    await publish(broker, "brief:x", 1)

    assert client.offsets == [6]
    assert client.gaps == []


async def test_an_empty_channel_is_recovered_from_its_start(hub, broker, client):
    await client.recover("news", Position(await epoch_of(broker, "news"), 0))
    assert (client.recovered, client.replayed) == (True, [])
    await publish(broker, "news", 1)

    assert client.offsets == [1]


async def test_everything_between_expired(hub, broker, client):
    await publish(broker, "news", 5)
    await broker.remove_history("news")
    await client.recover("news", Position(await epoch_of(broker, "news"), 3))
    assert not client.recovered
    await publish(broker, "news", 1)

    assert client.offsets == [6]


async def test_a_channel_without_history_recovers_nothing(hub, broker, client):
    await client.recover("none:x", Position("", 0))
    assert not client.recovered
    await publish(broker, "none:x", 1)

    assert len(client.got) == 1


@pytest.mark.parametrize("offset", [0, 1, 2])
async def test_a_jump_of_offsets_is_no_hole(hub, broker, client, offset):
    await publish(broker, "news", 2)
    await publish_with_a_jump(broker, "news")
    await publish(broker, "news", 1)
    await client.recover("news", Position(await epoch_of(broker, "news"), offset))
    await publish(broker, "news", 1)

    assert client.recovered
    assert client.replayed == [1, 2, JUMP, JUMP + 1][offset:]
    assert client.offsets == [JUMP + 2]


async def test_what_goes_beyond_the_limit_follows_as_pushes(hub, broker, client):
    await publish(broker, "news", 9)
    await client.recover("news", Position(await epoch_of(broker, "news"), 2), limit=3)
    await publish(broker, "news", 1)

    assert client.recovered
    assert client.replayed == [3, 4, 5]
    assert client.offsets == [6, 7, 8, 9, 10]
    assert client.gaps == []


async def test_what_goes_beyond_the_bytes_follows_as_pushes(hub, broker, client):
    data = b'"' + b"x" * 300_000 + b'"'
    for _ in range(6):
        await broker.publish("news", data)
    await client.recover("news", Position(await epoch_of(broker, "news"), 0))
    await wait_all_tasks_blocked()

    assert client.replayed == [1, 2, 3, 4]
    assert 3 * len(data) < MAX_BYTES <= 4 * len(data)
    assert client.offsets == [5, 6]


async def test_one_that_is_larger_than_the_bytes_comes_all_the_same(hub, broker, client, monkeypatch):
    monkeypatch.setattr("trio_gateway.hub.replay.MAX_BYTES", 10)
    for _ in range(2):
        await broker.publish("news", b'"' + b"x" * 100 + b'"')
    await client.recover("news", Position(await epoch_of(broker, "news"), 0))
    await wait_all_tasks_blocked()

    assert client.replayed == [1]
    assert client.offsets == [2]


async def test_what_the_tail_holds_is_not_read_from_the_store(hub, broker, client):
    for _ in range(3):
        await FakeClient(hub).subscribe("news")
    await publish(broker, "news", 10)
    await client.recover("news", Position(await epoch_of(broker, "news"), 2))

    assert client.replayed == list(range(3, 11))
    assert broker.reads == 0


async def test_what_is_published_meanwhile_comes_once(hub, broker, client):
    """Before the store is read it is in the answer, and after that it is a push."""
    await publish(broker, "news", 3)
    epoch, read = await epoch_of(broker, "news"), broker.read

    async def publish_and_read(*args):
        broker.read = read
        await publish(broker, "news", 1)
        stored = await read(*args)
        await publish(broker, "news", 1)
        return stored

    broker.read = publish_and_read
    await client.recover("news", Position(epoch, 1))
    await publish(broker, "news", 1)

    assert client.replayed + client.offsets == [2, 3, 4, 5, 6]


async def test_the_epoch_is_lost_when_the_store_is_read(hub, broker, client):
    await publish(broker, "news", 5)
    epoch, read = await epoch_of(broker, "news"), broker.read

    async def lose_and_read(*args):
        broker.forget_everything()
        broker.read = read
        return await read(*args)

    broker.read = lose_and_read
    await client.recover("news", Position(epoch, 2))
    assert not client.recovered
    await publish(broker, "news", 2)

    assert client.offsets == [1, 2]


async def test_a_new_epoch_begins_while_the_store_is_read(hub, broker, client):
    await publish(broker, "news", 5)
    epoch, read = await epoch_of(broker, "news"), broker.read

    async def read_and_begin(*args):
        stored = await read(*args)
        broker.forget_everything()
        hub._topics["news"].dirty = True
        await hub.recovery.refresh(hub._topics["news"])
        return stored

    broker.read = read_and_begin
    subscription = await client.recover("news", Position(epoch, 2))
    broker.read = read
    assert not client.recovered
    assert client.replayed == []
    assert subscription.position == Position(await epoch_of(broker, "news"), 0)
    await publish(broker, "news", 1)

    assert client.offsets == [1]
    assert client.gaps == []


async def test_what_expires_between_two_reads_is_a_hole(hub, broker, client):
    for _ in range(6):
        await broker.publish("news", b'"' + b"x" * 300_000 + b'"')
    epoch, read = await epoch_of(broker, "news"), broker.read

    async def read_and_expire(*args):
        broker.read = read
        stored = await read(*args)
        await broker.remove_history("news")
        await publish(broker, "news", 1)
        return stored

    broker.read = read_and_expire
    await client.recover("news", Position(epoch, 1))
    assert not client.recovered
    await publish(broker, "news", 1)

    assert client.offsets == [8]


@by_codec
@settings(max_examples=60)
@given(
    before=st.integers(0, 12),
    asked=st.integers(0, 14),
    limit=st.integers(1, 5),
    after=st.integers(0, 5),
    sharers=st.integers(0, 3),
    brief=st.booleans(),
)
def test_answer_and_pushes_together_bring_everything_once(codec, before, asked, limit, after, sharers, brief):
    """Wherever a client stands, however much is kept, and whether the tail or the store brings it."""
    channel = "brief:x" if brief else "news"

    async def story():
        broker = FaultyBroker()
        hub = Hub(broker, NAMESPACES)
        async with trio.open_nursery() as nursery:
            await nursery.start(broker.serve, hub)
            await nursery.start(hub.serve)
            await publish(broker, channel, before // 2)
            for _ in range(sharers):
                await FakeClient(hub).subscribe(channel)
            await publish(broker, channel, before - before // 2)
            client = Recovering(hub, codec)
            nursery.start_soon(client.run)
            await client.recover(channel, Position(await epoch_of(broker, channel), asked), limit)
            await wait_all_tasks_blocked()
            await publish(broker, channel, after)
            nursery.cancel_scope.cancel()
        check(client, min(asked, before))

    def check(client, start):
        kept = 3 if brief else 50
        if client.recovered:
            assert client.replayed + client.offsets == list(range(start + 1, before + after + 1))
            assert len(client.replayed) <= limit
        else:
            assert start < before - kept
            assert client.offsets == list(range(before + 1, before + after + 1))
        assert client.gaps == []

    trio.run(story)


async def test_nothing_is_read_for_who_is_at_the_end(hub, broker):
    await publish(broker, "news", 5)
    client = Recovering(hub, CODEC)
    await client.recover("news", Position(await epoch_of(broker, "news"), 5))

    assert client.recovered
    assert broker.reads == 0


# -- The latest publication alone; tests/gateway/test_centrifugo_cache.py has the table of what is recovered


async def latest(hub, nursery):
    client = Latest(hub)
    nursery.start_soon(client.run)
    return client


async def test_one_that_comes_from_a_faster_node_is_not_brought_an_older_publication(hub, broker, client, nursery):
    """This node has not heard of the newest publications yet."""
    first = await client.recover("news", Position(await epoch_of(broker, "news"), 0))
    await publish(broker, "news", 1)
    broker.deaf = True
    await publish(broker, "news", 2)
    broker.deaf = False
    at_the_top, behind = await latest(hub, nursery), await latest(hub, nursery)
    await at_the_top.recover("news", Position(first.epoch, 3))
    await behind.recover("news", Position(first.epoch, 2))
    await wait_all_tasks_blocked()
    await publish(broker, "news", 1)

    assert (at_the_top.recovered, at_the_top.replayed, at_the_top.offsets) == (True, [], [4])
    assert (behind.recovered, behind.replayed, behind.offsets) == (True, [3], [4])


async def test_many_who_come_back_for_it_at_once_share_what_is_read(hub, broker, nursery):
    await publish(broker, "news", 3)
    clients = [await latest(hub, nursery) for _ in range(50)]
    epoch = await epoch_of(broker, "news")
    async with trio.open_nursery() as together:
        for one in clients:
            together.start_soon(one.recover, "news", Position(epoch, 1))

    assert all((one.recovered, one.replayed) == (True, [3]) for one in clients)
    assert broker.reads <= 3


async def test_a_new_epoch_while_it_is_read_recovers_nothing(hub, broker, nursery, monkeypatch):
    await publish(broker, "news", 3)
    epoch = await epoch_of(broker, "news")
    client = await latest(hub, nursery)
    original = broker.read

    async def lose_everything(channel, after, limit):
        stored = await original(channel, after, limit)
        hub._topics["news"].begin("another", 0)
        return stored

    monkeypatch.setattr(broker, "read", lose_everything)
    subscription = await client.recover("news", Position(epoch, 1))

    assert (client.recovered, client.replayed) == (False, [])
    assert subscription.position == Position("another", 0)
