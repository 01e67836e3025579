"""Hints and stream entries: what this reader knows, and what it leaves to newer ones."""

from __future__ import annotations

import pytest

from trio_gateway.broker.broker import Hint
from trio_gateway.broker.redis.entries import offset_of, parse_entries, parse_hint, parse_members
from trio_gateway.model.presence import Member, Passage
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


@pytest.mark.parametrize(
    ("rest", "info", "tags"),
    [
        (b"", b"", b""),
        (b',{"a":[1]}', b'{"a":[1]}', b""),
        (b',{},{"b":"2"}', b"{}", b'{"b":"2"}'),
        (b',null,{"b":"2"}', b"", b'{"b":"2"}'),
        (b',{"a":1},{"b":"2"},"of a newer writer"', b'{"a":1}', b'{"b":"2"}'),
    ],
)
def test_info_and_tags_are_read_from_hints_and_entries(rest, info, tags):
    line = b'4,1,"7",""' + rest + b"]\n2"
    publication = Publication(5, 4, b"2", 1, "7", "", info, tags)

    assert parse_hint("news", b'[1,"epoch",5,' + line) == Hint("news", "epoch", publication)
    assert parse_entries([b"5-0", b"1", b"[" + line]) == [publication]


@pytest.mark.parametrize(
    ("rest", "info", "tags"),
    [
        (b"null,{},1", b"", b""),
        (b'{"a":1},{},1', b'{"a":1}', b""),
        (b'null,{"b":"2"},1', b"", b'{"b":"2"}'),
        (b'{"a":1},{"b":"2"},1,"of a newer writer"', b'{"a":1}', b'{"b":"2"}'),
    ],
)
def test_the_wish_for_a_delta_is_read_from_hints_and_entries(rest, info, tags):
    line = b'4,1,"","",' + rest + b"]\n2"
    publication = Publication(5, 4, b"2", 1, "", "", info, tags, delta=True)

    assert parse_hint("news", b'[1,"epoch",5,' + line) == Hint("news", "epoch", publication)
    assert parse_entries([b"5-0", b"1", b"[" + line]) == [publication]


@pytest.mark.parametrize(("word", "joined"), [(b"join", True), (b"leave", False)])
def test_a_hint_may_carry_a_passage(word, joined):
    hint = parse_hint("news", b'[2,"' + word + b'"]\n{"a":\n1}')

    assert hint == Hint("news", "", None, Passage(joined, b'{"a":\n1}'))


@pytest.mark.parametrize("payload", [b'[2,"join"]', b'[2,"join"]\n', b'[2,"stay"]\n{}', b'[3,"join"]\n{}'])
def test_a_passage_that_can_not_be_read_says_so(payload):
    assert parse_hint("news", payload) == Hint("news", "", None)


def test_members_are_read_and_what_was_written_by_hand_is_left_out():
    pairs = [b"c1", '1:4:ü:7{"a":1}'.encode(), b"x", b"hello", b"y", b"1:many:", b"c2", b"0:0:{}", b"z", b"1:1:\xff{}"]

    assert parse_members(pairs) == {"c1": Member("c1", "ü:7", b'{"a":1}', told=True), "c2": Member("c2", "", b"{}")}


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
