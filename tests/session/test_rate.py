"""A client may ask so much at once and so much over time; who goes on beyond it is told apart from who slows down."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_gateway.session.rate import Rate


def test_a_burst_is_allowed_at_once_and_no_more():
    rate = Rate(1, 3, 0)

    assert [rate.allow(0) for _ in range(5)] == [True, True, True, False, False]


def test_permits_come_back_steadily_up_to_a_burst():
    rate = Rate(2, 3, 0)
    assert all(rate.allow(0) for _ in range(3))

    assert [rate.allow(0.4), rate.allow(0.5), rate.allow(0.9), rate.allow(1)] == [False, True, False, True]
    assert [rate.allow(100) for _ in range(4)] == [True, True, True, False]


def test_without_a_rate_nothing_is_refused():
    rate = Rate(0, 1, 0)

    assert all(rate.allow(0) for _ in range(1000))
    assert not rate.exceeded


def test_who_was_refused_a_whole_burst_in_a_row_exceeds_it():
    rate = Rate(1, 2, 0)
    assert [rate.allow(0) for _ in range(3)] == [True, True, False]
    assert not rate.exceeded

    assert not rate.allow(0)
    assert rate.exceeded


def test_one_that_is_allowed_makes_up_for_those_that_were_refused():
    rate = Rate(1, 2, 0)
    assert [rate.allow(0) for _ in range(3)] == [True, True, False]

    assert rate.allow(1)
    assert rate.refused == 0


@given(
    st.integers(1, 50),
    st.integers(1, 20),
    st.lists(st.floats(0, 3), min_size=1, max_size=80),
    st.floats(0, 1e9),
)
def test_in_no_span_of_time_more_is_allowed_than_a_burst_and_the_rate(per_second, burst, pauses, start):
    rate, now, allowed = Rate(per_second, burst, start), start, []
    for pause in pauses:
        now += pause
        if rate.allow(now):
            allowed.append(now)

    for first, begin in enumerate(allowed):
        for last, end in enumerate(allowed[first:], first):
            # Near 1e9 each of 80 steps rounds by up to 1.2e-7 s, which is 50 times as many permits.
            assert last - first + 1 <= burst + (end - begin) * per_second + 1e-3


@pytest.mark.parametrize("pause", [0.1, 0.25, 1.0])
def test_who_keeps_to_the_rate_is_never_refused(pause):
    rate = Rate(10, 1, 0)

    assert all(rate.allow(step * pause * 1.000001) for step in range(200))
