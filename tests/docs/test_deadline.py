"""What hangs on a page fails in time, and says where and what stood on the terminals."""

from __future__ import annotations

import signal
import threading
import traceback

import pytest
import trio
from docs.deadline import interrupted_after


def wait_for_ever():
    threading.Event().wait()


async def wait_on_trio_for_ever():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep_forever)
        await trio.Event().wait()


@pytest.mark.parametrize("hang", [wait_for_ever, lambda: trio.run(wait_on_trio_for_ever)], ids=["plain", "trio"])
def test_a_block_that_hangs_fails_and_says_where(hang):
    failure = pytest.raises(AssertionError, match=r"within 0\.1 s; nothing stands there")
    with failure as failed, interrupted_after(0.1, lambda: "nothing stands there"):
        hang()

    assert "_for_ever" in "".join(traceback.format_exception(failed.value))


def test_a_block_that_ends_is_not_interrupted_later():
    before = signal.getsignal(signal.SIGALRM)
    with interrupted_after(60, str):
        pass

    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) is before


def test_an_error_of_a_block_in_time_is_its_own():
    with pytest.raises(ZeroDivisionError), interrupted_after(60, str):
        raise ZeroDivisionError
