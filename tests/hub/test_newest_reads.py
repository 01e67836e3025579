"""The end of a channel is read once for all who come back for the latest publication that they want."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from hub.views import ViewClient, tagged, wants

from trio_gateway.hub.windows import KEPT_SECONDS
from trio_gateway.model.errors import BrokerUnavailable
from trio_gateway.model.position import START


@pytest.fixture
def read(broker, monkeypatch):
    """Hold the channel of each read of an end; one takes a second."""
    read = []
    original = broker.read_back

    async def read_back(channel, before, limit):
        read.append(channel)
        await trio.sleep(1)
        if broker.away:
            raise BrokerUnavailable("away")
        return await original(channel, before, limit)

    monkeypatch.setattr(broker, "read_back", read_back)
    return read


async def publish(broker, values):
    """Publish one publication for each letter, which is its tag."""
    for value in values:
        await broker.publish("news", b'"%b"' % value.encode(), tags=tagged(value))


async def come_back(hub, *values):
    client = ViewClient(hub, filter=wants(*values))
    await client.subscribe("news", recover=START, latest=True)
    return client


async def come_back_together(hub, count):
    clients = []

    async def come(value):
        clients.append(await come_back(hub, value))

    async with trio.open_nursery() as nursery:
        for number in range(count):
            nursery.start_soon(come, "ab"[number % 2])
    return clients


async def test_many_with_filters_who_come_back_at_once_share_one_read(hub, broker, read, autojump_clock):
    await publish(broker, "abab")
    clients = await come_back_together(hub, 100)

    assert {tuple(client.received) for client in clients} == {((3, b'"a"'),), ((4, b'"b"'),)}
    assert read == ["news"]


async def test_who_comes_a_moment_later_shares_it_as_well(hub, broker, read, autojump_clock):
    await publish(broker, "ab")
    await come_back_together(hub, 2)
    later = await come_back(hub, "a")
    await trio.sleep(KEPT_SECONDS + 1)
    await come_back(hub, "a")

    assert later.offsets == [1]
    assert len(read) == 2


async def test_what_is_published_since_is_not_missed(hub, broker, read, autojump_clock):
    await publish(broker, "ab")
    await come_back_together(hub, 2)
    await publish(broker, "a")
    await trio.testing.wait_all_tasks_blocked()

    assert (await come_back(hub, "a")).offsets == [3]


async def test_an_error_is_everybodys_at_once(hub, broker, read, autojump_clock):
    await publish(broker, "ab")
    await come_back(hub, "a")
    await publish(broker, "a")
    failed = []

    async def fail():
        with pytest.raises(BrokerUnavailable):
            await come_back(hub, "a")
        failed.append(trio.current_time())

    started = trio.current_time()
    await trio.testing.wait_all_tasks_blocked()
    read.clear()
    broker.away = True
    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(fail)

    assert failed == [started + 1] * 10
    assert read == ["news"]


async def test_who_gives_up_leaves_the_read_to_another(hub, broker, read, autojump_clock):
    await publish(broker, "ab")
    await come_back(hub, "a")
    await publish(broker, "a")
    await trio.testing.wait_all_tasks_blocked()
    clients = []

    async def give_up():
        with trio.move_on_after(0.5):
            await come_back(hub, "a")

    async def stay():
        await trio.sleep(0.1)
        clients.append(await come_back(hub, "a"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(give_up)
        nursery.start_soon(stay)

    assert clients[0].offsets == [3]
    assert len(read) == 3
