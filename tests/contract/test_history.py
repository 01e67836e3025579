"""The contract of a history beyond reading on: backwards, removed, skipped, and by version."""

from __future__ import annotations

import pytest

from trio_gateway.broker.broker import Version
from trio_gateway.model.errors import BadRequest, InvalidChannel, InvalidId, UnknownChannel
from trio_gateway.model.position import START, Position


async def publish_many(broker, channel, count):
    return [await broker.publish(channel, b"%d" % number) for number in range(1, count + 1)][-1]


def offsets(stored):
    return [publication.offset for publication in stored.publications]


def data(stored):
    return [publication.data for publication in stored.publications]


async def test_a_read_back_begins_with_the_newest(broker):
    last = await publish_many(broker, "news", 5)

    stored = await broker.read_back("news", 0, 3)
    assert Position(stored.epoch, stored.top) == last
    assert offsets(stored) == [5, 4, 3]


async def test_a_read_back_goes_on_before_an_offset(broker):
    await publish_many(broker, "news", 50)

    assert offsets(await broker.read_back("news", 41, 30)) == list(range(40, 10, -1))
    assert offsets(await broker.read_back("news", 3, 30)) == [2, 1]
    assert offsets(await broker.read_back("news", 1, 30)) == []
    assert offsets(await broker.read_back("news", 2**53 - 1, 1)) == [50]


async def test_a_read_back_brings_the_same_publications_as_a_read(broker):
    await broker.publish("news", b"1", id="x", sender="7", info=b'{"a":1}', tags=b'{"b":"2"}')
    await broker.publish("news", b"2")

    on, back = await broker.read("news", 0, 10), await broker.read_back("news", 0, 10)
    assert list(on.publications) == list(reversed(back.publications))


async def test_a_read_back_is_bounded_in_bytes_but_brings_one_at_least(broker, monkeypatch):
    for module in ("trio_gateway.broker.memory", "trio_gateway.broker.redis.broker"):
        monkeypatch.setattr(f"{module}.MAX_READ_BYTES", 1000)
    for _ in range(4):
        await broker.publish("news", b'"' + b"x" * 900 + b'"')

    assert offsets(await broker.read_back("news", 4, 10)) == [3]


async def test_reading_back_makes_no_channel(broker):
    for _ in range(2):
        stored = await broker.read_back("news", 0, 10)
        assert (stored.epoch, stored.top, list(stored.publications)) == ("", 0, [])


async def test_a_limit_of_zero_asks_for_the_position_alone(broker):
    last = await publish_many(broker, "news", 3)

    stored = await broker.read_back("news", 0, 0)
    assert (stored.epoch, stored.top, list(stored.publications)) == (last.epoch, 3, [])


async def test_a_removed_history_is_empty_and_its_offsets_go_on(broker):
    last = await publish_many(broker, "news", 3)
    await broker.remove_history("news")

    stored = await broker.read("news", 0, 10)
    assert (Position(stored.epoch, stored.top), list(stored.publications)) == (last, [])
    assert await broker.publish("news", b"4") == Position(last.epoch, 4)
    (kept,) = (await broker.read("news", 0, 10)).publications
    assert (kept.offset, kept.prev) == (4, 3)


@pytest.mark.parametrize("channel", ["news", "none:x", "$:x"])
async def test_removing_what_is_not_kept_makes_no_channel(broker, channel):
    await broker.remove_history(channel)

    assert (await broker.read(channel, 0, 10)).epoch == ""


@pytest.mark.parametrize(("channel", "refusal"), [("unknown:x", UnknownChannel), ("", InvalidChannel)])
async def test_a_channel_that_can_not_be_has_no_history_to_remove(broker, channel, refusal):
    with pytest.raises(refusal):
        await broker.remove_history(channel)


async def test_what_skips_the_history_is_told_and_not_kept(broker, listener):
    await broker.follow("news")
    first = await broker.publish("news", b"1")
    assert await broker.publish("news", b"2", sender="7", skip_history=True) == START

    _, hint = await listener.wait_hints(2)
    assert (hint.epoch, hint.publication.offset, hint.publication.data, hint.publication.sender) == ("", 0, b"2", "7")
    stored = await broker.read("news", 0, 10)
    assert (Position(stored.epoch, stored.top), data(stored)) == (first, [b"1"])


async def test_what_skips_the_history_makes_no_channel(broker):
    await broker.publish("news", b"1", id="x", skip_history=True)

    assert (await broker.read("news", 0, 10)).epoch == ""


@pytest.mark.parametrize("skips", [(True, True), (True, False), (False, True)])
async def test_an_id_takes_effect_once_kept_or_not(broker, listener, skips):
    await broker.follow("news")
    await broker.publish("news", b"0")
    first = await broker.publish("news", b"1", id="x", skip_history=skips[0])
    assert await broker.publish("news", b"2", id="x", skip_history=skips[1]) == first
    await broker.publish("news", b"3")

    assert [hint.publication.data for hint in await listener.wait_hints(3)] == [b"0", b"1", b"3"]


async def versions(broker, *numbered, channel="news"):
    return [await broker.publish(channel, b"%d" % number, version=Version(number, epoch)) for number, epoch in numbered]


async def test_a_version_that_is_not_larger_changes_nothing_and_answers_the_top(broker, listener):
    await broker.follow("news")
    positions = await versions(broker, (5, ""), (5, ""), (4, ""), (6, ""))

    assert [position.offset for position in positions] == [1, 1, 1, 2]
    assert len({position.epoch for position in positions}) == 1
    assert data(await broker.read("news", 0, 10)) == [b"5", b"6"]
    assert [hint.publication.data for hint in await listener.wait_hints(2)] == [b"5", b"6"]


async def test_versions_of_different_epochs_are_not_compared_and_an_empty_one_is_with_all(broker):
    await versions(broker, (5, "a"), (4, "a"), (3, "b"), (2, ""), (4, ""), (3, "c"))

    assert data(await broker.read("news", 0, 10)) == [b"5", b"3", b"4"]


async def test_versions_are_compared_exactly(broker):
    await versions(broker, (2**53 - 2, ""), (2**53 - 1, ""), (2**53 - 2, ""))

    assert (await broker.read("news", 0, 10)).top == 2


async def test_what_has_no_version_is_always_published_and_changes_none(broker):
    await versions(broker, (5, ""))
    assert (await broker.publish("news", b"0")).offset == 2

    assert [position.offset for position in await versions(broker, (5, ""))] == [2]


async def test_an_id_that_was_seen_answers_its_first_position_also_where_the_version_is_outdated(broker):
    first = await broker.publish("news", b"1", id="x", version=Version(1))
    await versions(broker, (2, ""))

    assert await broker.publish("news", b"1", id="x", version=Version(1)) == first


async def test_an_outdated_version_does_not_use_its_id_up(broker):
    await versions(broker, (2, ""))
    await broker.publish("news", b"1", id="x", version=Version(1))

    assert (await broker.publish("news", b"3", id="x", version=Version(3))).offset == 2


async def test_a_version_counts_only_where_it_is_kept(broker, listener):
    await broker.follow("news")
    await broker.follow("none:x")
    await broker.publish("news", b"5", skip_history=True, version=Version(5))
    await versions(broker, (2, ""), (1, ""), channel="none:x")
    assert (await versions(broker, (1, "")))[0].offset == 1

    assert [hint.publication.data for hint in await listener.wait_hints(4)] == [b"5", b"2", b"1", b"1"]


async def test_a_lost_epoch_loses_the_version(store, broker):
    await versions(broker, (5, ""))
    store.lose_meta("news")

    assert (await versions(broker, (1, "")))[0].offset == 1
    assert data(await broker.read("news", 0, 10)) == [b"1"]


@pytest.mark.parametrize(
    ("version", "refusal"),
    [
        (Version(0), BadRequest),
        (Version(-1), BadRequest),
        (Version(2**53), BadRequest),
        (Version(1, "x" * 129), InvalidId),
        (Version(1, "a\nb"), InvalidId),
    ],
)
async def test_a_version_of_another_form_is_refused(broker, version, refusal):
    with pytest.raises(refusal):
        await broker.publish("news", b"1", version=version)

    assert (await broker.read("news", 0, 10)).epoch == ""
