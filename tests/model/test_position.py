"""Positions are read strictly and written back the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_gateway.model.errors import BadRequest
from trio_gateway.model.position import MAX_OFFSET, START, Position


@given(st.text("abcdefXYZ0189:", min_size=1, max_size=64), st.integers(0, MAX_OFFSET))
def test_what_is_written_is_read_back(epoch, offset):
    position = Position(epoch, offset)

    assert Position.parse(str(position)) == position


@pytest.mark.parametrize(
    "text", ["", "e", "e:", ":5", "e:-1", "e:1.0", "e: 1", "e:٣", "e:9007199254740992", "e" * 65 + ":1", "e:1e3"]
)
def test_anything_else_is_refused(text):
    with pytest.raises(BadRequest):
        Position.parse(text)


def test_zero_stands_for_everything_kept():
    assert Position.parse_since("0") == START
    assert Position.parse_since("e:0") == Position("e", 0)
