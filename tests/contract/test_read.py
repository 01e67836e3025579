"""The contract of reading: epoch, top and publications of one moment, bounded, and nothing comes into being by it."""

from __future__ import annotations

import pytest

from trio_gateway.model.position import START, Position
from trio_gateway.model.recovery import recover


async def publish_many(broker, channel, count):
    return [await broker.publish(channel, b"%d" % number) for number in range(1, count + 1)]


def offsets(publications):
    return [publication.offset for publication in publications]


async def test_an_unknown_channel_has_no_epoch_and_reading_it_makes_none(broker):
    for _ in range(2):
        stored = await broker.read("news", 0, 10)
        assert (stored.epoch, stored.top, list(stored.publications)) == ("", 0, [])


async def test_a_read_answers_epoch_top_and_what_came_after_the_offset_oldest_first(broker):
    positions = await publish_many(broker, "news", 5)

    stored = await broker.read("news", 2, 10)
    assert Position(stored.epoch, stored.top) == positions[-1]
    assert offsets(stored.publications) == [3, 4, 5]


async def test_a_read_answers_no_more_than_the_limit(broker):
    await publish_many(broker, "news", 50)

    stored = await broker.read("news", 10, 20)
    assert offsets(stored.publications) == list(range(11, 31))
    assert stored.top == 50


async def test_a_read_after_the_top_answers_the_top_alone(broker):
    await publish_many(broker, "news", 3)

    for after in (3, 4, 2**53 - 1):
        stored = await broker.read("news", after, 10)
        assert (stored.top, list(stored.publications)) == (3, [])


async def test_a_limit_of_zero_asks_for_the_position_alone(broker):
    await publish_many(broker, "news", 3)

    stored = await broker.read("news", 0, 0)
    assert (stored.top, list(stored.publications)) == (3, [])


async def test_a_read_is_bounded_in_bytes_but_brings_one_at_least(broker, monkeypatch):
    for module in ("trio_gateway.broker.memory", "trio_gateway.broker.redis.broker"):
        monkeypatch.setattr(f"{module}.MAX_READ_BYTES", 1000)
    for _ in range(4):
        await broker.publish("news", b'"' + b"x" * 900 + b'"')

    assert offsets((await broker.read("news", 1, 10)).publications) == [2]


async def test_the_top_survives_the_publications(store, broker):
    (*_, last) = await publish_many(broker, "news", 3)
    store.lose_history("news")

    stored = await broker.read("news", 0, 10)
    assert (Position(stored.epoch, stored.top), list(stored.publications)) == (last, [])
    assert (await broker.publish("news", b"4")) == Position(last.epoch, 4)


async def test_who_is_at_the_top_recovers_nothing(broker):
    (*_, last) = await publish_many(broker, "news", 3)

    recovered = recover(last, await broker.read("news", last.offset, 10))
    assert (recovered.gap, list(recovered.publications), recovered.cursor) == (None, [], last)


async def test_who_is_behind_recovers_what_came_since(broker):
    first, *_, last = await publish_many(broker, "news", 3)

    recovered = recover(first, await broker.read("news", first.offset, 10))
    assert (recovered.gap, offsets(recovered.publications), recovered.cursor) == (None, [2, 3], last)


async def test_who_is_behind_what_is_kept_gets_the_gap_first(broker):
    first, *_ = await publish_many(broker, "brief:x", 10)

    recovered = recover(first, await broker.read("brief:x", first.offset, 10))
    assert (recovered.gap.first, recovered.gap.last) == (2, 7)
    assert offsets(recovered.publications) == [8, 9, 10]


async def test_who_is_behind_an_expired_history_gets_a_gap_up_to_the_top(store, broker):
    first, *_ = await publish_many(broker, "news", 3)
    store.lose_history("news")

    recovered = recover(first, await broker.read("news", first.offset, 10))
    assert (recovered.gap.first, recovered.gap.last, recovered.cursor.offset) == (2, 3, 3)


async def test_who_was_at_the_top_of_an_expired_history_has_no_gap_after_the_next_publication(store, broker):
    (*_, last) = await publish_many(broker, "news", 3)
    store.lose_history("news")
    await broker.publish("news", b"4")

    recovered = recover(last, await broker.read("news", last.offset, 10))
    assert (recovered.gap, offsets(recovered.publications)) == (None, [4])


async def test_everything_kept_is_recovered_from_the_start_without_a_gap(broker):
    await publish_many(broker, "brief:x", 10)

    recovered = recover(START, await broker.read("brief:x", 0, 10))
    assert (recovered.gap, offsets(recovered.publications)) == (None, [8, 9, 10])


async def test_another_epoch_is_a_gap_without_bounds_and_then_everything_kept(store, broker):
    (*_, old) = await publish_many(broker, "news", 3)
    store.lose_meta("news")
    await publish_many(broker, "news", 2)

    recovered = recover(old, await broker.read("news", 0, 10))
    assert (recovered.gap.first, recovered.gap.last) == (None, None)
    assert offsets(recovered.publications) == [1, 2]


@pytest.mark.parametrize("count", [1, 16, 17, 40])
async def test_reading_piece_by_piece_brings_everything_once(broker, count):
    await publish_many(broker, "news", count)

    after, brought = 0, []
    while publications := (await broker.read("news", after, 16)).publications:
        brought += offsets(publications)
        after = brought[-1]
    assert brought == list(range(1, count + 1))
