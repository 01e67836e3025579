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
    ticket = breaker.begin(now)
    if ticket is None:
        return False
    breaker.note(ticket, outcome, now)
    return True


def opened(now=0.0, breaker=None):
    breaker = breaker or make_breaker()
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
    breaker = make_breaker()
    late = breaker.begin(0)
    opened(breaker=breaker)
    breaker.note(late, ANSWERED, 0)

    assert breaker.state is State.CLOSED


def test_failures_that_come_late_make_no_pause_longer():
    breaker = make_breaker()
    late = [breaker.begin(0) for _ in range(100)]
    opened(breaker=breaker)
    for ticket in late:
        breaker.note(ticket, FAILED, 0.5)

    assert not breaker.refuses(FIRST_PAUSE)


@pytest.mark.parametrize("outcome", [FAILED, ABANDONED])
def test_while_one_tries_nothing_but_an_answer_to_others_counts(outcome):
    breaker = make_breaker()
    late = [breaker.begin(0) for _ in range(100)]
    opened(breaker=breaker)
    trial = breaker.begin(FIRST_PAUSE)
    for ticket in late:
        breaker.note(ticket, outcome, FIRST_PAUSE)
        assert breaker.state is State.TRYING
        assert breaker.begin(FIRST_PAUSE) is None
    breaker.note(trial, FAILED, FIRST_PAUSE)

    assert not breaker.refuses(FIRST_PAUSE + 2 * FIRST_PAUSE)


def test_a_trial_that_was_overtaken_says_nothing_of_the_next_one():
    breaker = make_breaker()
    late = breaker.begin(0)
    opened(breaker=breaker)
    overtaken = breaker.begin(FIRST_PAUSE)
    breaker.note(late, ANSWERED, FIRST_PAUSE)
    opened(FIRST_PAUSE, breaker)
    assert breaker.begin(2 * FIRST_PAUSE)
    breaker.note(overtaken, FAILED, 2 * FIRST_PAUSE)

    assert breaker.state is State.TRYING


def test_failures_in_whose_time_another_was_answered_do_not_count():
    breaker = make_breaker()
    for _ in range(10 * FAILURES):
        slow = breaker.begin(0)
        ask(breaker, 0, ANSWERED)
        breaker.note(slow, FAILED, 0)

    assert breaker.state is State.CLOSED


@pytest.mark.parametrize("_time", range(20))
def test_the_pause_has_jitter_but_is_at_least_half(_time):
    breaker = Breaker()
    for _ in range(FAILURES):
        ask(breaker, 0, FAILED)

    assert breaker.refuses(FIRST_PAUSE / 2 - 0.001)
    assert not breaker.refuses(FIRST_PAUSE)


@given(
    st.lists(st.tuples(st.floats(0, 40), st.none() | st.tuples(st.integers(0), st.sampled_from(Outcome))), max_size=99)
)
def test_with_many_under_way_one_tries_at_a_time_and_its_outcome_is_its_own(steps):
    """Requests begin (None) and end in any order."""
    breaker, trial, now = make_breaker(), None, 0.0
    under_way = [breaker.begin(now) for _ in range(2 * FAILURES)]
    for wait, ending in steps:
        now += wait
        if ending is None:
            before = breaker.state
            if ticket := breaker.begin(now):
                under_way.append(ticket)
                trial = ticket if before is State.OPEN else trial
            assert (ticket is None) is (before is breaker.state is not State.CLOSED)
        elif under_way:
            place, outcome = ending
            ticket, before = under_way.pop(place % len(under_way)), breaker.state
            breaker.note(ticket, outcome, now)
            if outcome is ANSWERED:
                assert breaker.state is State.CLOSED
            elif before is State.TRYING:
                assert breaker.state is (State.OPEN if ticket is trial else State.TRYING)
        if breaker.state is State.TRYING:
            assert trial in under_way
        else:
            assert not breaker.refuses(now + LONGEST_PAUSE)


@given(st.lists(st.tuples(st.floats(0, 100), st.sampled_from(Outcome)), max_size=60))
def test_it_never_refuses_for_longer_than_the_longest_pause(steps):
    breaker, now = make_breaker(), 0.0
    for wait, outcome in steps:
        now += wait
        ask(breaker, now, outcome)
        assert not breaker.refuses(now + LONGEST_PAUSE)
