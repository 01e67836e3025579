"""The contract of devices: a cursor from the first attach on, moved by acks of its own epoch only, never back."""

from __future__ import annotations

import pytest

from trio_gateway.broker.broker import Ack
from trio_gateway.model.errors import BadRequest, UnknownChannel
from trio_gateway.model.position import START, Position

INBOX = "#7"


async def publish_many(broker, count, channel=INBOX):
    return [await broker.publish(channel, b"%d" % number) for number in range(count)][-1]


async def cursor_of(broker, device="phone"):
    return (await broker.attach(INBOX, device=device)).cursor


async def test_an_attach_makes_the_epoch_that_the_first_publication_gets(broker):
    attachment = await broker.attach(INBOX)
    assert (attachment.top, attachment.cursor) == (0, None)

    assert await broker.publish(INBOX, b"1") == Position(attachment.epoch, 1)


async def test_attaching_again_finds_the_same_epoch_and_the_top(broker):
    last = await publish_many(broker, 3)

    attachment = await broker.attach(INBOX)
    assert Position(attachment.epoch, attachment.top) == last


async def test_a_device_seen_for_the_first_time_starts_at_the_top(broker):
    last = await publish_many(broker, 3)

    assert await cursor_of(broker) == last


async def test_a_device_that_attached_once_is_known_without_any_ack(broker):
    last = await publish_many(broker, 3)
    await broker.attach(INBOX, device="phone")
    await publish_many(broker, 2)

    assert await cursor_of(broker) == last


async def test_a_new_device_may_start_at_a_position(broker):
    last = await publish_many(broker, 3)

    cursor = (await broker.attach(INBOX, device="phone", since=Position(last.epoch, 1))).cursor
    assert cursor == Position(last.epoch, 1)


async def test_a_position_beyond_the_top_is_clamped_to_it(broker):
    last = await publish_many(broker, 3)

    cursor = (await broker.attach(INBOX, device="phone", since=Position(last.epoch, 10**15))).cursor
    assert cursor == last


@pytest.mark.parametrize("since", [START, Position("another", 2)])
async def test_the_start_and_another_epochs_position_are_before_all_that_is_kept(broker, since):
    last = await publish_many(broker, 50)

    cursor = (await broker.attach(INBOX, device="phone", since=since)).cursor
    oldest = (await broker.read(INBOX, 0, 1)).publications[0]
    assert cursor == Position(last.epoch, oldest.prev)


async def test_the_start_of_an_expired_history_is_the_top(store, broker):
    last = await publish_many(broker, 3)
    store.lose_history(INBOX)

    assert (await broker.attach(INBOX, device="phone", since=START)).cursor == last


async def test_a_known_device_keeps_its_cursor_whatever_position_it_names(broker):
    last = await publish_many(broker, 3)
    await broker.attach(INBOX, device="phone")

    cursor = (await broker.attach(INBOX, device="phone", since=Position(last.epoch, 1))).cursor
    assert cursor == last


async def test_an_ack_moves_the_cursor(broker):
    epoch = (await broker.attach(INBOX, device="phone")).epoch
    await publish_many(broker, 3)
    await broker.acknowledge([Ack(INBOX, "phone", Position(epoch, 2))])

    assert await cursor_of(broker) == Position(epoch, 2)


async def test_an_ack_never_moves_the_cursor_back(broker):
    epoch = (await broker.attach(INBOX, device="phone")).epoch
    await publish_many(broker, 3)
    await broker.acknowledge([Ack(INBOX, "phone", Position(epoch, offset)) for offset in (3, 1)])

    assert await cursor_of(broker) == Position(epoch, 3)


async def test_an_ack_of_another_epoch_does_nothing(broker):
    before = (await broker.attach(INBOX, device="phone")).cursor
    await publish_many(broker, 3)
    await broker.acknowledge([Ack(INBOX, "phone", Position("another", 2))])

    assert await cursor_of(broker) == before


async def test_an_ack_never_makes_a_channel(broker):
    await broker.acknowledge([Ack(INBOX, "phone", Position("another", 2)), Ack("unknown:x", "p", Position("e", 1))])

    assert (await broker.read(INBOX, 0, 10)).epoch == ""


async def test_each_device_has_its_own_cursor(broker):
    epoch = (await broker.attach(INBOX, device="phone")).epoch
    await broker.attach(INBOX, device="desk")
    await publish_many(broker, 3)
    await broker.acknowledge([Ack(INBOX, "phone", Position(epoch, 1)), Ack(INBOX, "desk", Position(epoch, 2))])

    assert [(await cursor_of(broker, device)).offset for device in ("phone", "desk")] == [1, 2]


async def test_many_acks_go_together(broker):
    epochs = {f"#{user}": (await broker.attach(f"#{user}", device="phone")).epoch for user in range(50)}
    for inbox in epochs:
        await broker.publish(inbox, b"1")
    await broker.acknowledge([Ack(inbox, "phone", Position(epoch, 1)) for inbox, epoch in epochs.items()])

    assert {(await broker.attach(inbox, device="phone")).cursor.offset for inbox in epochs} == {1}


async def test_no_acks_at_all_are_no_error(broker):
    await broker.acknowledge([])


async def test_of_too_many_devices_the_longest_unused_is_forgotten(broker):
    await broker.attach(INBOX)
    for device in ("one", "two", "three"):
        await use_later(broker, device)
    await use_later(broker, "one")
    last = await publish_many(broker, 3)
    await use_later(broker, "four")

    assert await cursor_of(broker, "one") == Position(last.epoch, 0)
    assert await cursor_of(broker, "three") == Position(last.epoch, 0)
    assert await cursor_of(broker, "two") == last  # it is new again


async def use_later(broker, device):
    """Attach a device, in a later millisecond than what was attached before."""
    started = (await broker.publish("clock", b"0"), (await broker.read("clock", 0, 100)).publications[-1].time)[1]
    while (await broker.publish("clock", b"0")) and (await broker.read("clock", 0, 500)).publications[
        -1
    ].time == started:
        pass
    await broker.attach(INBOX, device=device)


async def test_a_lost_epoch_leaves_no_cursor_that_looks_like_one_of_the_new_epoch(store, broker):
    await publish_many(broker, 3)
    old = await cursor_of(broker)
    store.lose_meta(INBOX)
    new = await broker.attach(INBOX)

    cursor = await cursor_of(broker)
    assert new.epoch != old.epoch
    assert cursor in (old, Position(new.epoch, 0))


async def test_without_history_there_is_neither_epoch_nor_cursor(broker):
    attachment = await broker.attach("none:x", device="phone")

    assert (attachment.epoch, attachment.top, attachment.cursor) == ("", 0, START)


@pytest.mark.parametrize("device", ["a b", "x" * 65, "ä", "a:b"])
async def test_a_device_of_another_form_is_refused(broker, device):
    with pytest.raises(BadRequest):
        await broker.attach(INBOX, device=device)


async def test_a_channel_of_an_unknown_namespace_can_not_be_attached_to(broker):
    with pytest.raises(UnknownChannel):
        await broker.attach("unknown:x")
