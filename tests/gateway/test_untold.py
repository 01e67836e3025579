"""What was not heard waits its own time, longer each time, and what is new does not wait for it."""

from __future__ import annotations

import pytest
from hooks.asking import REQUESTS

from trio_gateway.gateway.nodes.untold import FIRST_PAUSE, LONGEST_PAUSE, Untold

REQUEST = REQUESTS["disconnected"]


def test_what_is_added_is_due_at_once_in_its_order():
    untold = Untold()
    for number in range(5):
        untold.add(number, 10)

    assert [ending.request for ending in untold.take(3, 10)] == [0, 1, 2]
    assert [ending.request for ending in untold.take(3, 10)] == [3, 4]
    assert len(untold) == 0


@pytest.mark.parametrize("_time", range(20))
def test_what_was_not_heard_is_due_later_and_later_up_to_a_bound(_time):
    untold, now, bounds = Untold(), 0.0, []
    untold.add(REQUEST, now)
    for _ in range(8):
        (ending,) = untold.take(1, now)
        untold.add_again(ending, now)
        bounds.append(untold.next_due - now)
        assert untold.take(1, untold.next_due - 0.001) == []
        now = untold.next_due

    for bound, pause in zip(bounds, [FIRST_PAUSE, 2, 4, 8, 16, *[LONGEST_PAUSE] * 3], strict=True):
        assert pause / 2 <= bound <= pause
    assert ending.since == 0


def test_it_holds_up_nothing_new():
    untold = Untold()
    untold.add("old", 0)
    untold.add_again(untold.take(1, 0)[0], 0)
    untold.add("new", 0.1)

    assert [ending.request for ending in untold.take(9, 0.1)] == ["new"]
    assert len(untold) == 1
