"""What is due to be told to the server."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trio_gateway.client.cursor import Cursor
from trio_gateway.model.position import START, Position


def cursor_at(epoch, offset):
    cursor = Cursor()
    cursor.begin(Position(epoch, 0))
    cursor.note_sent(Position(epoch, offset))
    return cursor


def test_what_was_told_is_not_due_again():
    cursor = cursor_at("e", 9)
    cursor.advance(Position("e", 3))

    assert cursor.take_due() == Position("e", 3)
    assert cursor.take_due() is None


def test_on_a_new_connection_it_is_due_again():
    cursor = cursor_at("e", 9)
    cursor.advance(Position("e", 3))
    cursor.take_due()
    cursor.begin(Position("e", 9))

    assert cursor.due() == Position("e", 3)


@given(st.lists(st.integers(1, 9), min_size=1))
def test_the_cursor_never_goes_back(offsets):
    cursor = cursor_at("e", 9)
    for offset in offsets:
        cursor.advance(Position("e", offset))

    assert cursor.due() == Position("e", max(offsets))


def test_beyond_what_was_sent_nothing_is_due():
    cursor = cursor_at("e", 9)
    cursor.advance(Position("e", 9))
    cursor.begin(Position("e", 4))
    assert cursor.due() is None

    cursor.note_sent(Position("e", 1_000))
    assert cursor.due() == Position("e", 9)


def test_an_epoch_that_has_passed_moves_nothing():
    cursor = cursor_at("e", 9)
    cursor.note_sent(Position("f", 5))
    cursor.advance(Position("f", 2))
    cursor.advance(Position("e", 9))

    assert cursor.due() == Position("f", 2)


def test_of_an_old_epoch_nothing_is_due():
    cursor = cursor_at("e", 9)
    cursor.advance(Position("e", 9))
    cursor.note_sent(Position("f", 0))

    assert cursor.due() is None


def test_what_is_not_kept_moves_nothing():
    cursor = cursor_at("e", 9)
    cursor.advance(START)

    assert cursor.due() is None
