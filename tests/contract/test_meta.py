"""The contract of a channel's epoch and cursors: remembered for `history_meta_ttl` of its namespace, from the last use on."""

from __future__ import annotations

import pytest
import trio

HOUR, DAY = 3600, 86_400


@pytest.mark.parametrize(("channel", "seconds"), [("hour:x", HOUR), ("plain", 30 * DAY), ("#7", 30 * DAY)])
async def test_epoch_and_cursors_are_remembered_for_as_long_as_the_namespace_says(store, broker, channel, seconds):
    await broker.attach(channel, device="phone")
    await broker.publish(channel, b"1")

    # Renewed only once a tenth of it is over.
    assert 0.9 * seconds - 60 < store.remembers_for(channel) <= seconds


async def test_what_nobody_used_for_longer_begins_a_new_epoch(broker):
    old = await broker.publish("moment:x", b"1")
    with trio.fail_after(20):
        while (await broker.read("moment:x", 0, 10)).epoch:  # the store's clock is a real one
            await trio.sleep(0.01)

    new = await broker.publish("moment:x", b"2")
    assert new.epoch != old.epoch
    assert new.offset == 1


@pytest.mark.parametrize(("channel", "seconds"), [("hour:x", 600), ("plain", 600), ("#7", 30 * DAY)])
async def test_a_channel_in_which_nothing_was_published_is_remembered_for_a_short_while(
    store, broker, channel, seconds
):
    epoch = (await broker.attach(channel)).epoch
    remembered = store.remembers_for(channel)
    again = await broker.attach(channel)

    assert 0.9 * seconds - 60 < remembered <= seconds
    assert again.epoch == epoch


async def test_the_first_publication_makes_it_remembered_like_any_other(store, broker):
    attached = await broker.attach("hour:x")
    published = await broker.publish("hour:x", b"1")
    await broker.attach("hour:x")

    assert published.epoch == attached.epoch
    assert 0.9 * HOUR - 60 < store.remembers_for("hour:x") <= HOUR
