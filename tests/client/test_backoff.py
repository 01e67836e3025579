"""Delays between attempts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trio_gateway.client.backoff import Backoff


def test_the_bound_doubles_from_half_a_second_to_twenty():
    backoff = Backoff(share=lambda: 1.0)

    assert [backoff.next() for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 20, 20]


def test_a_reset_begins_again():
    backoff = Backoff(share=lambda: 1.0)
    backoff.next()
    backoff.next()
    backoff.reset()

    assert backoff.next() == 0.5


@given(st.integers(0, 50))
def test_the_jitter_is_full_and_bounded(attempts):
    backoff = Backoff()
    for _ in range(attempts):
        backoff.next()

    assert 0 <= backoff.next() <= 20
