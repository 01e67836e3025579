"""What is taken, once, over connections and epochs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trio_gateway.client.frames import GapFrame, MessageFrame
from trio_gateway.client.progress import ChannelProgress, Progress
from trio_gateway.model.position import START, Position


def message(offset, channel="#7"):
    return MessageFrame(channel=channel, data=None, offset=offset)


@given(st.lists(st.integers(1, 20)))
def test_offsets_taken_strictly_increase_whatever_comes(offsets):
    progress = ChannelProgress(Position("e", 0))
    taken = [value.offset for offset in offsets if (value := progress.take_message(message(offset)))]

    assert taken == sorted(set(taken))
    assert max(offsets, default=0) == max(taken, default=0)


def test_a_start_behind_us_in_the_same_epoch_takes_nothing_back():
    progress = ChannelProgress(Position("e", 9))
    progress.resume(Position("e", 4))

    assert progress.take_message(message(9)) is None
    assert progress.take_message(message(10)).position == Position("e", 10)


def test_a_start_in_another_epoch_begins_anew():
    progress = ChannelProgress(Position("e", 9))
    progress.resume(Position("f", 0))

    assert progress.take_message(message(1)).position == Position("f", 1)


def test_a_gap_that_was_taken_before_is_passed_by():
    progress = ChannelProgress(Position("e", 9))

    assert progress.take_gap(GapFrame(channel="#7", position="e:9", first=3, last=9)) is None


def test_a_gap_without_bounds_is_never_passed_by():
    progress = ChannelProgress(Position("f", 9))

    assert progress.take_gap(GapFrame(channel="#7", position="f:0")) is not None


def test_what_is_not_kept_is_never_a_double():
    progress = ChannelProgress(START)

    assert progress.take_message(message(0)).position == START
    assert progress.take_message(message(0)).position == START


def test_a_channel_that_is_not_subscribed_is_passed_by():
    assert Progress(None).take(message(1, "news")) is None


def test_the_first_connection_starts_where_the_user_said_and_the_next_where_we_are():
    progress = Progress(START)
    assert progress.since == START

    progress.inbox.resume(Position("e", 4))
    assert progress.since == Position("e", 4)


def test_an_inbox_without_history_has_no_place_to_go_on_from():
    progress = Progress(None)
    progress.inbox.resume(START)

    assert progress.since is None
