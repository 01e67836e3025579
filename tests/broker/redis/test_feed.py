"""The feed: one read is one batch, and a reconnect follows everything again before it is said."""

from __future__ import annotations

import pytest
import trio
from redis import exceptions
from trio.testing import wait_all_tasks_blocked

from tests.broker.recorder import Recorder
from tests.broker.redis.fake_server import FakeServer, confirmations, push, usual
from trio_gateway.broker.redis.address import parse_address
from trio_gateway.broker.redis.feed import BATCH, Feed
from trio_gateway.broker.redis.keys import Keys

PAYLOAD = b'[1,"epoch",%d,%d,1700000000000]\n1'


def message(channel: bytes, offset: int) -> bytes:
    return push(b"message", b"tg:{%s}" % channel, PAYLOAD % (offset, offset - 1))


def mute(command):
    """Answer everything but subscriptions."""
    return b"" if command[0] == b"SUBSCRIBE" and b"tg:{a}" in command else usual(command)


@pytest.fixture
def server(nursery):
    return FakeServer(nursery)


@pytest.fixture
def listener():
    return Recorder()


@pytest.fixture
def heard():
    return []


@pytest.fixture
async def feed(server, listener, heard, nursery):
    address = parse_address("redis://example.org")
    feed = Feed(address, Keys("tg"), "test", own={"tg:owner": heard.append}, open_stream=server.open_stream)
    nursery.start_soon(feed.serve, listener)
    await feed.connection.wait_up()
    return feed


async def test_follow_returns_when_its_subscribe_was_confirmed(server, feed, nursery):
    server.answer = mute
    done = trio.Event()

    async def follow():
        await feed.follow("a")
        done.set()

    nursery.start_soon(follow)
    await wait_all_tasks_blocked()
    assert not done.is_set()
    await server.send(confirmations([b"SUBSCRIBE", b"tg:{a}"]))
    await wait_all_tasks_blocked()
    assert done.is_set()


async def test_following_what_is_followed_asks_nothing(server, feed):
    await feed.follow("a")
    await feed.follow("a")

    assert server.commands.count([b"SUBSCRIBE", b"tg:{a}"]) == 1


async def test_what_comes_in_one_read_is_one_batch(server, feed, listener):
    await feed.follow("a")
    await server.send(b"".join(message(b"a", offset) for offset in (1, 2, 3)))
    await server.send(message(b"a", 4))
    await wait_all_tasks_blocked()

    assert [[hint.publication.offset for hint in batch] for batch in listener.batches] == [[1, 2, 3], [4]]


async def test_hints_between_confirmations_are_taken(server, feed, listener, nursery):
    await feed.follow("a")
    server.answer = lambda command: message(b"a", 1) + confirmations(command) + message(b"b", 1)
    await feed.follow("b")
    await wait_all_tasks_blocked()

    assert [hint.channel for hint in listener.hints] == ["a", "b"]


async def test_hints_of_what_is_not_followed_any_more_are_dropped(server, feed, listener):
    await feed.follow("a")
    feed.unfollow_nowait("a")
    await server.send(message(b"a", 1))
    await wait_all_tasks_blocked()

    assert listener.hints == []
    assert server.commands[-1] == [b"UNSUBSCRIBE", b"tg:{a}"]


async def test_the_gateways_own_names_go_elsewhere(server, feed, listener, heard):
    await server.send(push(b"message", b"tg:owner", b"somebody"))
    await wait_all_tasks_blocked()

    assert heard == [b"somebody"]
    assert listener.hints == []


async def test_a_reconnect_follows_everything_again_and_then_says_so(server, feed, listener, autojump_clock):
    for name in ("a", "b"):
        await feed.follow(name)
    await server.drop()
    await listener.wait_resumed()

    assert server.commands[-1] == [b"SUBSCRIBE", b"tg:{a}", b"tg:{b}", b"tg:owner"]
    assert listener.resumed == 1


async def test_the_first_connect_is_no_resumption(server, feed, listener):
    await feed.follow("a")

    assert listener.resumed == 0


async def test_resumption_waits_for_the_last_confirmation(server, feed, listener, autojump_clock):
    await feed.follow("a")
    server.answer = mute
    await server.drop()
    await trio.sleep(1)
    assert listener.resumed == 0
    assert feed.connection.link is None
    await server.send(confirmations([b"SUBSCRIBE", b"tg:{a}", b"tg:owner"]))
    await listener.wait_resumed()


async def test_hints_that_come_during_the_reconnect_are_taken_before_it_is_said(server, feed, autojump_clock):
    await feed.follow("a")
    order = []

    class Order:
        async def take_hints(self, hints):
            await trio.sleep(1)
            order.extend(hint.publication.offset for hint in hints)

        async def take_feed_resumed(self):
            order.append("resumed")

    feed._listener = Order()
    server.answer = lambda command: (
        confirmations(command) + message(b"a", 7) if command[0] == b"SUBSCRIBE" else usual(command)
    )
    await server.drop()
    await trio.sleep(5)

    assert order == [7, "resumed"]


async def test_many_names_are_followed_again_in_batches(server, feed, listener, autojump_clock):
    async with trio.open_nursery() as nursery:
        for number in range(2 * BATCH):
            nursery.start_soon(feed.follow, f"channel {number}")
    server.commands.clear()
    await server.drop()
    await listener.wait_resumed()

    sizes = [len(command) - 1 for command in server.commands if command[0] == b"SUBSCRIBE"]
    assert sizes == [BATCH, BATCH, 1]


async def test_following_while_the_feed_is_away_fails_within_the_deadline_and_leaves_nothing(
    server, feed, autojump_clock
):
    server.refusing = True
    await server.drop()
    started = trio.current_time()
    with pytest.raises(exceptions.TimeoutError, match="refused"):
        await feed.follow("a")
    assert trio.current_time() - started == pytest.approx(1.5)
    server.refusing = False
    await feed.connection.wait_up()

    assert server.commands[-1] == [b"SUBSCRIBE", b"tg:owner"]


async def test_a_cancelled_follow_leaves_nothing(server, feed, autojump_clock):
    server.answer = mute
    with trio.move_on_after(0.5):
        await feed.follow("a")
    await wait_all_tasks_blocked()

    assert server.commands[-1] == [b"UNSUBSCRIBE", b"tg:{a}"]


async def test_a_follow_that_was_waiting_is_confirmed_by_the_reconnect(server, feed, nursery, autojump_clock):
    server.answer = mute
    done = trio.Event()

    async def follow():
        await feed.follow("a")
        done.set()

    nursery.start_soon(follow)
    await wait_all_tasks_blocked()
    server.answer = usual
    await server.drop()
    with trio.fail_after(1):
        await done.wait()


async def test_a_feed_is_silent_while_it_listens_and_nothing_comes(server, feed, autojump_clock):
    await trio.sleep(1)
    moment = trio.current_time()
    assert feed.is_silent_since(moment)
    assert feed.age() == pytest.approx(1, abs=0.1)
    await trio.sleep(1)
    await server.send(push(b"message", b"tg:owner", b"x"))
    await wait_all_tasks_blocked()

    assert not feed.is_silent_since(moment)


async def test_a_feed_that_is_handing_over_is_not_silent(server, feed, autojump_clock):
    class Slow:
        async def take_hints(self, hints):
            await trio.sleep_forever()

    await feed.follow("a")
    feed._listener = Slow()
    await server.send(message(b"a", 1))
    await trio.sleep(10)

    assert not feed.is_silent_since(trio.current_time() - 5)
