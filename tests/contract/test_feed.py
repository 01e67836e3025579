"""The contract of the feed: what is published after `follow` returned is told, in order, and as it is stored."""

from __future__ import annotations

import trio

from trio_gateway.broker.broker import Hint


async def test_what_is_published_after_follow_returned_is_told(broker, listener):
    await broker.follow("news")
    await broker.publish("news", b'{"text":"hi"}', id="x", sender="7")

    (hint,) = await listener.wait_hints(1)
    stored = await broker.read("news", 0, 10)
    assert hint == Hint("news", stored.epoch, stored.publications[0])


async def test_hints_come_in_the_order_of_publishing(broker, listener):
    await broker.follow("news")
    for number in range(100):
        await broker.publish("news", b"%d" % number)

    assert [hint.publication.offset for hint in await listener.wait_hints(100)] == list(range(1, 101))


async def test_only_followed_channels_are_told_of(broker, listener):
    await broker.follow("news")
    await broker.publish("sports", b"1")
    await broker.publish("news", b"2")

    assert [hint.channel for hint in await listener.wait_hints(1)] == ["news"]


async def test_a_channel_that_is_no_longer_followed_is_told_of_no_more(broker, listener):
    await broker.follow("news")
    await broker.follow("sports")
    broker.unfollow_nowait("news")
    await broker.publish("news", b"1")
    await broker.publish("sports", b"2")

    assert [hint.channel for hint in await listener.wait_hints(1)] == ["sports"]


async def test_a_channel_followed_left_and_followed_again_is_told_of(broker, listener):
    await broker.follow("news")
    for _ in range(3):
        broker.unfollow_nowait("news")
        await broker.follow("news")
    await broker.publish("news", b"1")

    assert len(await listener.wait_hints(1)) == 1


async def test_following_twice_tells_once(broker, listener):
    await broker.follow("news")
    await broker.follow("news")
    await broker.publish("news", b"1")
    await broker.publish("news", b"2")

    assert [hint.publication.offset for hint in await listener.wait_hints(2)] == [1, 2]


async def test_many_channels_can_be_followed_at_the_same_time(broker, listener):
    names = [f"#user {number}" for number in range(200)]
    async with trio.open_nursery() as nursery:
        for name in names:
            nursery.start_soon(broker.follow, name)
    for name in names:
        await broker.publish(name, b"1")

    assert [hint.channel for hint in await listener.wait_hints(200)] == names


async def test_leaving_what_is_not_followed_is_no_error(broker):
    broker.unfollow_nowait("news")


async def test_data_with_newlines_is_told_whole(broker, listener):
    await broker.follow("news")
    await broker.publish("news", b'{\n"a":\n1}\n')

    assert (await listener.wait_hints(1))[0].publication.data == b'{\n"a":\n1}\n'


async def test_a_served_broker_is_healthy(broker):
    health = broker.health()

    assert health.reasons == ()
    assert health.round_trip is not None
