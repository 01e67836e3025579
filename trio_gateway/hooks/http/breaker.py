"""A breaker stops asking a back end that is away, and finds out by one request at a time when it is back.

It knows no clock and sends nothing: it is told the time and what came of each request. Only silence
counts: no answer that a client could provoke by what it asks, and no failure in whose time another
request was answered, as by a back end that is slow at one thing.
"""

from __future__ import annotations

import enum
import random
from collections.abc import Callable
from typing import Final

import attrs

FAILURES: Final = 5
"""In a row, after which it opens."""

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 30.0
"""Seconds from opening to the next trial, at most; the bound doubles with each trial that fails."""


class State(enum.Enum):
    """Say whether the back end is asked: CLOSED: always; OPEN: not before its time; TRYING: one request is under way."""

    CLOSED = "closed"
    OPEN = "open"
    TRYING = "trying"


class Outcome(enum.Enum):
    """Say what came of a request: an answer, whatever it says; none; or it says nothing, as nobody waited for it."""

    ANSWERED = enum.auto()
    FAILED = enum.auto()
    ABANDONED = enum.auto()


_NEXT: Final = {
    (State.CLOSED, Outcome.ANSWERED): State.CLOSED,
    (State.CLOSED, Outcome.FAILED): State.OPEN,  # after FAILURES of them
    (State.CLOSED, Outcome.ABANDONED): State.CLOSED,
    # What was sent before it opened may still be answered.
    (State.OPEN, Outcome.ANSWERED): State.CLOSED,
    (State.OPEN, Outcome.FAILED): State.OPEN,
    (State.OPEN, Outcome.ABANDONED): State.OPEN,
    (State.TRYING, Outcome.ANSWERED): State.CLOSED,
    (State.TRYING, Outcome.FAILED): State.OPEN,
    (State.TRYING, Outcome.ABANDONED): State.OPEN,  # the next request is the trial
}


@attrs.frozen(eq=False)
class Ticket:
    """Stand for one request that may be sent: `answered` counts the answers that had come before."""

    answered: int


class Breaker:
    """Decide whether a back end is asked; times are seconds of one clock, `jitter` picks one in a range."""

    def __init__(self, jitter: Callable[[float, float], float] = random.uniform) -> None:
        self.state = State.CLOSED
        self._jitter = jitter
        self._trial: Ticket | None = None
        self._answered = 0
        self._failures = 0
        self._pause = FIRST_PAUSE
        self._until = 0.0

    def refuses(self, now: float) -> bool:
        """Tell whether a request that comes now is not sent; changes nothing."""
        return self.state is State.TRYING or (self.state is State.OPEN and now < self._until)

    def begin(self, now: float) -> Ticket | None:
        """Let a request be sent now, or answer None; one that is let must be followed by `note`."""
        if self.refuses(now):
            return None
        ticket = Ticket(self._answered)
        if self.state is State.OPEN:
            self.state, self._trial = State.TRYING, ticket
        return ticket

    def note(self, ticket: Ticket, outcome: Outcome, now: float) -> None:
        """Learn what came of the request with this ticket."""
        if outcome is Outcome.FAILED and ticket.answered != self._answered:
            outcome = Outcome.ABANDONED
        before, self.state = self.state, self._next(ticket, outcome)
        if outcome is Outcome.ANSWERED:
            self._answered += 1
            self._failures, self._pause = 0, FIRST_PAUSE
        elif outcome is Outcome.FAILED and self.state is State.OPEN is not before:
            self._until = now + self._jitter(self._pause / 2, self._pause)
            self._pause = min(LONGEST_PAUSE, self._pause * 2)

    def _next(self, ticket: Ticket, outcome: Outcome) -> State:
        if self.state is State.TRYING and ticket is not self._trial and outcome is not Outcome.ANSWERED:
            return State.TRYING  # what was sent before it opened says nothing of the trial
        if self.state is State.CLOSED and outcome is Outcome.FAILED:
            self._failures += 1
            if self._failures < FAILURES:
                return State.CLOSED
        return _NEXT[self.state, outcome]
