"""Reading and writing the plain protocol's texts."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_gateway.client.frames import UnreadableFrame, read_frame, read_position, write_ack, write_request
from trio_gateway.model.position import START, Position


@given(st.text())
def test_any_text_is_read_passed_by_or_unreadable(text):
    with contextlib.suppress(UnreadableFrame):
        read_frame(text)


@pytest.mark.parametrize(("text", "position"), [("e:5", Position("e", 5)), ("0", START), (":0", START), ("", START)])
def test_positions_are_read(text, position):
    assert read_position(text) == position


@pytest.mark.parametrize("text", ["e", "e:", "e:-1", ":5", f"e:{2**53}"])
def test_what_is_no_position_is_unreadable(text):
    with pytest.raises(UnreadableFrame):
        read_position(text)


def test_empty_fields_are_left_out_of_requests():
    text = write_request("send", 1, to="8", id="", since=None)

    assert json.loads(text) == {"type": "send", "ref": 1, "to": "8"}


def test_an_ack_names_its_epoch():
    assert json.loads(write_ack(Position("e", 5))) == {"type": "ack", "offset": 5, "epoch": "e"}
