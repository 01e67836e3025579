"""A back end that does not answer is left alone for a while, then tried by one request at a time."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_gateway.hooks.http.breaker import _NEXT, FAILURES, FIRST_PAUSE, LONGEST_PAUSE, Breaker, Outcome, State

ANSWERED, FAILED, ABANDONED = Outcome


def longest(_least, most):
    return most


def make_breaker():
    return Breaker(longest)


def ask(breaker, now, outcome):
    """Send one request, if it may be sent; tells whether it was."""
    if not breaker.begin(now):
        return False
    breaker.note(outcome, now)
    return True


def opened(now=0.0):
    breaker = make_breaker()
    for _ in range(FAILURES):
        assert ask(breaker, now, FAILED)
    return breaker


def test_every_state_knows_every_outcome():
    assert set(_NEXT) == set(itertools.product(State, Outcome))


def test_it_opens_after_so_many_failures_in_a_row():
    breaker = make_breaker()
    for _ in range(FAILURES - 1):
        ask(breaker, 0, FAILED)
    assert breaker.state is State.CLOSED
    ask(breaker, 0, FAILED)

    assert breaker.state is State.OPEN
    assert breaker.refuses(0)
    assert not breaker.begin(FIRST_PAUSE - 0.001)


def test_an_answer_in_between_counts_them_anew():
    breaker = make_breaker()
    for _ in range(10):
        for _ in range(FAILURES - 1):
            ask(breaker, 0, FAILED)
        ask(breaker, 0, ANSWERED)

    assert breaker.state is State.CLOSED


def test_what_nobody_waited_for_says_nothing():
    breaker = make_breaker()
    for _ in range(3 * FAILURES):
        ask(breaker, 0, ABANDONED)

    assert breaker.state is State.CLOSED


def test_after_the_pause_one_request_tries():
    breaker = opened()

    assert breaker.begin(FIRST_PAUSE)
    assert breaker.state is State.TRYING
    assert not breaker.begin(FIRST_PAUSE + 100)


def test_a_trial_that_is_answered_closes_it():
    breaker = opened()
    ask(breaker, FIRST_PAUSE, ANSWERED)

    assert breaker.state is State.CLOSED
    assert ask(breaker, FIRST_PAUSE, FAILED)
    assert breaker.state is State.CLOSED


def test_a_trial_that_fails_makes_the_pause_longer_up_to_a_bound():
    breaker, now, pauses = opened(), 0.0, []
    for _ in range(8):
        pause = next(pause for pause in range(1, 100) if not breaker.refuses(now + pause))
        pauses.append(pause)
        now += pause
        ask(breaker, now, FAILED)

    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]
    assert pauses[-1] == LONGEST_PAUSE


def test_a_trial_that_nobody_waits_for_is_made_by_the_next_request():
    breaker = opened()
    ask(breaker, FIRST_PAUSE, ABANDONED)

    assert breaker.begin(FIRST_PAUSE)


def test_an_answer_that_comes_late_closes_it():
    breaker = opened()
    breaker.note(ANSWERED, 0)

    assert breaker.state is State.CLOSED


def test_failures_that_come_late_make_no_pause_longer():
    breaker = opened()
    for _ in range(100):
        breaker.note(FAILED, 0.5)

    assert not breaker.refuses(FIRST_PAUSE)


@pytest.mark.parametrize("_time", range(20))
def test_the_pause_has_jitter_but_is_at_least_half(_time):
    breaker = Breaker()
    for _ in range(FAILURES):
        ask(breaker, 0, FAILED)

    assert breaker.refuses(FIRST_PAUSE / 2 - 0.001)
    assert not breaker.refuses(FIRST_PAUSE)


@given(st.lists(st.tuples(st.floats(0, 100), st.sampled_from(Outcome)), max_size=60))
def test_it_never_refuses_for_longer_than_the_longest_pause(steps):
    breaker, now = make_breaker(), 0.0
    for wait, outcome in steps:
        now += wait
        ask(breaker, now, outcome)
        assert not breaker.refuses(now + LONGEST_PAUSE)
