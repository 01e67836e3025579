"""A block of Python that hangs is interrupted as by Ctrl-C, so that its traceback says where it hung."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def interrupted_after(seconds: float, report: Callable[[], str]) -> Iterator[None]:
    """Interrupt the block when it takes longer; raises AssertionError then, with what `report` says, from where it hung.

    Trio delivers the interrupt to its main task, at the place where that waits. For the main thread only.
    """
    hung = False

    def interrupt(_number: int, _frame: object) -> None:
        nonlocal hung
        hung = True
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except BaseException as error:
        if hung:
            raise AssertionError(f"nothing ended this within {seconds:g} s; {report()}") from error
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
