"""The memory broker, where it has time of its own: expiry, batches, and bounds."""

from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from tests.broker.recorder import Recorder
from trio_gateway.broker import memory_feed
from trio_gateway.broker.broker import Ack, Renewal
from trio_gateway.broker.limits import Limits
from trio_gateway.broker.memory import MemoryBroker
from trio_gateway.model.position import Position
from trio_gateway.model.presence import Member
from trio_gateway.settings.duration import DAY, MINUTE
from trio_gateway.settings.namespaces import Namespaces


@pytest.fixture
def broker():
    return MemoryBroker(namespaces=Namespaces(), limits=Limits())


async def test_publications_expire_after_the_history_ttl_and_the_top_stays(broker, autojump_clock):
    last = await broker.publish("news", b"1")
    await trio.sleep(5 * MINUTE)

    stored = await broker.read("news", 0, 10)
    assert (Position(stored.epoch, stored.top), list(stored.publications)) == (last, [])


async def test_a_publication_renews_the_history(broker, autojump_clock):
    for _ in range(3):
        await broker.publish("news", b"1")
        await trio.sleep(4 * MINUTE)

    assert len((await broker.read("news", 0, 10)).publications) == 3


async def test_an_id_is_remembered_for_five_minutes(broker, autojump_clock):
    first = await broker.publish("#7", b"1", id="x")
    await trio.sleep(5 * MINUTE - 1)
    assert await broker.publish("#7", b"1", id="x") == first
    await trio.sleep(1)
    assert (await broker.publish("#7", b"1", id="x")).offset == 2


async def test_epoch_and_cursors_expire_together_when_unused(broker, autojump_clock):
    old = await broker.attach("#7", device="phone")
    await trio.sleep(30 * DAY)

    assert (await broker.read("#7", 0, 10)).epoch == ""
    assert (await broker.attach("#7", device="phone")).epoch != old.epoch


async def test_attach_and_ack_renew_epoch_and_cursors(broker, autojump_clock):
    epoch = (await broker.attach("#7", device="phone")).epoch
    await broker.publish("#7", b"1")
    await trio.sleep(20 * DAY)
    await broker.acknowledge([Ack("#7", "phone", Position(epoch, 1))])
    await trio.sleep(20 * DAY)
    await broker.attach("#7")
    await trio.sleep(20 * DAY)

    assert (await broker.attach("#7", device="phone")).cursor == Position(epoch, 1)


async def test_publish_does_not_call_the_listener_itself(broker, nursery):
    listener = Recorder()
    await nursery.start(broker.serve, listener)
    await broker.follow("news")
    await wait_all_tasks_blocked()
    position = await broker.publish("news", b"1")

    assert listener.hints == []
    assert [hint.publication.offset for hint in await listener.wait_hints(1)] == [position.offset]


async def test_what_was_published_while_the_listener_was_busy_is_one_batch(broker, nursery, autojump_clock):
    listener = Recorder()
    take = listener.take_hints

    async def take_slowly(hints):
        await trio.sleep(1)
        await take(hints)

    listener.take_hints = take_slowly
    await nursery.start(broker.serve, listener)
    await broker.follow("news")
    await broker.publish("news", b"1")
    await wait_all_tasks_blocked()
    for _ in range(3):
        await broker.publish("news", b"1")
    await listener.wait_hints(4)

    assert [len(batch) for batch in listener.batches] == [1, 3]


async def test_too_many_waiting_hints_are_dropped_and_the_listener_told_to_read(broker, nursery, monkeypatch):
    monkeypatch.setattr(memory_feed, "MAX_HINTS", 10)
    listener = Recorder()
    await broker.follow("news")
    for _ in range(25):
        await broker.publish("news", b"1")
    await nursery.start(broker.serve, listener)
    await listener.wait_resumed()

    assert len(listener.hints) <= 10


async def test_health_says_that_nobody_serves_it(broker):
    assert broker.health().reasons == ("the memory broker is not served",)


async def test_a_member_is_there_for_its_time_and_longer_where_it_is_renewed(broker, autojump_clock):
    for client in ("c1", "c2"):
        await broker.join("room", Member(client, "7", b"{}"), ttl=60)
    await trio.sleep(59)
    await broker.renew([Renewal("room", ["c1"])], ttl=60)
    assert set(await broker.presence("room")) == {"c1", "c2"}

    await trio.sleep(1)
    assert set(await broker.presence("room")) == {"c1"}
    await trio.sleep(59)
    assert await broker.presence("room") == {}


async def test_a_call_about_any_channel_tells_whose_time_ran_out_elsewhere(broker, nursery, autojump_clock):
    listener = Recorder()
    await nursery.start(broker.serve, listener)
    await broker.follow("room")
    await broker.join("room", Member("c1", "7", b"{}", told=True), ttl=60)
    await trio.sleep(60)
    await broker.presence("elsewhere")

    assert [hint.passage.joined for hint in await listener.wait_hints(2)] == [True, False]
    assert broker._presence._channels == {}


async def test_a_mark_is_there_for_its_time(broker, autojump_clock):
    await broker.put_mark("a", b"1", ttl=60)
    await broker.put_mark("b", b"2", ttl=90)
    await trio.sleep(60)

    assert await broker.marks() == {"b": b"2"}
