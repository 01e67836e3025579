"""Globs choose names, and say so where they can't."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_gateway.model.errors import BadRequest
from trio_gateway.model.glob import compile_glob


@pytest.mark.parametrize(
    ("glob", "name", "matches"),
    [
        ("", "anything", True),
        ("chat:*", "chat:room:7", True),
        ("chat:*", "news", False),
        ("chat:*", "a chat:room", False),
        ("*", "two\nlines", True),
        ("chat:?", "chat:12", False),
        ("chat:[0-3]", "chat:2", True),
        ("chat:[!0-3]", "chat:2", False),
        ("[]]", "]", True),
        ("{chat,news}:1", "news:1", True),
        ("{chat,news}:1", "mail:1", False),
        ("a{b,c}{d,e}", "ace", True),
        ("plain}", "plain}", True),
        ("a.c", "abc", False),
    ],
)
def test_a_glob_matches_whole_names(glob, name, matches):
    assert bool(compile_glob(glob).match(name)) is matches


@pytest.mark.parametrize("glob", ["[", "a[b", "{a", "{a,{b}}", "[]", "{a,b,c}" * 4, "x" * 1025])
def test_a_glob_that_can_not_be_is_refused(glob):
    with pytest.raises(BadRequest, match="pattern"):
        compile_glob(glob)


def test_many_stars_take_no_long_time():
    assert not compile_glob("*a" * 100 + "b").match("a" * 255)


@given(st.text(alphabet="ab*?[]{},!-\\", max_size=30))
def test_every_text_is_a_glob_or_refused(glob):
    with contextlib.suppress(BadRequest):
        compile_glob(glob).match("ab")
