"""Hints and stream entries: what this reader knows, and what it leaves to newer ones."""

from __future__ import annotations

import pytest

from trio_gateway.broker.broker import Hint
from trio_gateway.broker.redis.entries import offset_of, parse_entries, parse_hint
from trio_gateway.model.publication import Publication

BODY = b'4\n1700000000000\n7\nx\n{"a":\n1}'
PUBLICATION = Publication(5, 4, b'{"a":\n1}', 1_700_000_000_000, "7", "x")


def test_a_hint_carries_the_whole_publication():
    assert parse_hint("news", b"1\nepoch\n5\n" + BODY) == Hint("news", "epoch", PUBLICATION)


@pytest.mark.parametrize(
    "payload", [b"2\nepoch\n5\n" + BODY, b"1\nepoch", b"", b"1\ne\nx\n" + BODY, b"1\n\xff\n5\n" + BODY]
)
def test_a_hint_that_can_not_be_read_says_so(payload):
    assert parse_hint("news", payload) == Hint("news", "", None)


def test_entries_are_read_in_order():
    assert parse_entries([b"5-0", b"1", BODY, b"6-0", b"1", b"5\n1\n\n\n2"]) == [
        PUBLICATION,
        Publication(6, 5, b"2", 1),
    ]


def test_an_entry_of_an_unknown_format_is_left_out():
    (kept,) = parse_entries([b"5-0", b"2", b"anything", b"6-0", b"1", b"5\n1\n\n\n2"])

    assert (kept.offset, kept.prev) == (6, 5)


def test_an_offset_is_read_exactly():
    assert offset_of(b"9007199254740991-0") == 2**53 - 1
