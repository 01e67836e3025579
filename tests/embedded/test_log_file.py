"""Valkey's log is bounded and can be quoted."""

from __future__ import annotations

import pytest

from trio_gateway.embedded.log_file import MAX_BYTES, quote, rotate, size_of


@pytest.fixture
def log(tmp_path):
    return tmp_path / "valkey.log"


def test_a_small_log_stays(log):
    log.write_text("a\n")
    rotate(log)
    assert log.read_text() == "a\n"


def test_a_large_log_is_set_aside_in_place_of_the_one_before(log):
    for letter in "ab":
        log.write_text(letter * (MAX_BYTES + 1))
        rotate(log)
    assert not log.exists()
    assert log.with_name("valkey.log.1").read_text()[0] == "b"


def test_a_missing_log_is_empty(log):
    rotate(log)
    assert size_of(log) == 0
    assert quote(log, 0) == ""


def test_only_the_last_lines_since_the_start_are_quoted_without_their_prefix(log):
    log.write_text("123:M 05 Mar 2026 12:00:00.123 * before\n")
    start = size_of(log)
    with log.open("a") as file:
        file.write("one\n\n124:M 05 Mar 2026 12:00:01.123 # two\nthree\n124:C 05 Mar 2026 12:00:01.124 * four\n")
    assert quote(log, start) == "two | three | four"


def test_a_log_that_was_turned_over_since_is_quoted_from_its_beginning(log):
    log.write_text("one\n")
    assert quote(log, 1000) == "one"
