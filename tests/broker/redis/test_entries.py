"""Hints and stream entries: what this reader knows, and what it leaves to newer ones."""

from __future__ import annotations

import pytest

from trio_gateway.broker.broker import Hint
from trio_gateway.broker.redis.entries import offset_of, parse_entries, parse_hint
from trio_gateway.model.publication import Publication

BODY = b'4,1700000000000,"7","x"]\n{"a":\n1}'
DEEP = b'[1,"epoch",5,4,1,"","",' + b"[" * 200_000
WITHOUT_DATA = b'[1,"epoch",5,4,1700000000000]'
PUBLICATION = Publication(5, 4, b'{"a":\n1}', 1_700_000_000_000, "7", "x")


def test_a_hint_carries_the_whole_publication():
    assert parse_hint("news", b'[1,"epoch",5,' + BODY) == Hint("news", "epoch", PUBLICATION)


@pytest.mark.parametrize(
    "payload",
    [b'[2,"epoch",5,' + BODY, b'[1,"epoch"', b"", b'[1,"e","x",' + BODY, b'[1,"\xff",5,' + BODY, DEEP, WITHOUT_DATA],
)
def test_a_hint_that_can_not_be_read_says_so(payload):
    assert parse_hint("news", payload) == Hint("news", "", None)


def test_entries_are_read_in_order():
    assert parse_entries([b"5-0", b"1", b"[" + BODY, b"6-0", b"1", b"[5,1]\n2"]) == [
        PUBLICATION,
        Publication(6, 5, b"2", 1),
    ]


@pytest.mark.parametrize(("format", "value"), [(b"2", b"anything"), (b"1", b"written by hand"), (b"1", b"[4,1]")])
def test_an_entry_that_can_not_be_read_is_left_out(format, value):
    (kept,) = parse_entries([b"5-0", format, value, b"6-0", b"1", b"[5,1]\n2"])

    assert (kept.offset, kept.prev) == (6, 5)


def test_an_offset_is_read_exactly():
    assert offset_of(b"9007199254740991-0") == 2**53 - 1
