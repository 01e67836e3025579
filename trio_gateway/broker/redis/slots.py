"""Replies come in the order of the commands: each command has a slot, and keeps it also when nobody waits any more.

Without that, the reply of a cancelled command would go to the next one, which is another user's.
Pure bookkeeping: no I/O, but the waiting of tasks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import outcome
import trio
from redis import exceptions

Take = Callable[[outcome.Outcome[Any]], None]


class Slot:
    """Stand for one command in the reply queue; `take` gets its outcome, None where nobody waits any more."""

    __slots__ = ("deadline", "size", "take")

    def __init__(self, deadline: float, size: int, take: Take) -> None:
        self.deadline = deadline
        self.size = size
        self.take: Take | None = take


class Slots:
    """Hold the slots of the commands that have no reply yet, oldest first."""

    def __init__(self) -> None:
        self.size = 0
        self._queue: deque[Slot] = deque()

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def head(self) -> Slot | None:
        """Show the slot whose reply comes next."""
        return self._queue[0] if self._queue else None

    async def wait(self, deadline: float, size: int) -> Any:
        """Wait for the reply of a command of `size` bytes that was just written.

        Raises the error that was the reply, and what `fail_due` and `fail_all` say. Cancelled: the slot stays.
        """
        slot = self._add(deadline, size, partial(trio.lowlevel.reschedule, trio.lowlevel.current_task()))
        return await trio.lowlevel.wait_task_rescheduled(partial(_give_up, [slot]))

    async def wait_all(self, deadline: float, sizes: Sequence[int]) -> list[outcome.Outcome[Any]]:
        """Wait for the replies of commands that were just written together; answers each one's outcome."""
        task, outcomes = trio.lowlevel.current_task(), []

        def take(result: outcome.Outcome[Any]) -> None:
            outcomes.append(result)
            if len(outcomes) == len(sizes):
                trio.lowlevel.reschedule(task)

        slots = [self._add(deadline, size, take) for size in sizes]
        await trio.lowlevel.wait_task_rescheduled(partial(_give_up, slots))
        return outcomes

    def _add(self, deadline: float, size: int, take: Take) -> Slot:
        slot = Slot(deadline, size, take)
        self._queue.append(slot)
        self.size += size
        return slot

    def answer_next(self, reply: Any) -> None:
        """Give a reply to the oldest slot, whose task may have gone; raises IndexError for a reply nobody asked for."""
        slot = self._queue.popleft()
        self.size -= slot.size
        _settle(slot, outcome.Error(reply) if isinstance(reply, Exception) else outcome.Value(reply))

    def fail_due(self, now: float) -> float | None:
        """Fail the waiters past their deadline, keep their slots; answers the next deadline, None if nobody waits."""
        for slot in self._queue:
            if slot.take is None:
                continue
            if slot.deadline > now:
                return slot.deadline
            _settle(slot, outcome.Error(exceptions.TimeoutError("no reply in time")))
        return None

    def fail_all(self, reason: str) -> None:
        """Empty the queue: every waiter's outcome is unknown."""
        while self._queue:
            _settle(self._queue.popleft(), outcome.Error(exceptions.ConnectionError(reason)))
        self.size = 0


def _give_up(slots: Sequence[Slot], _raise_cancel: Any) -> trio.lowlevel.Abort:
    for slot in slots:
        slot.take = None
    return trio.lowlevel.Abort.SUCCEEDED


def _settle(slot: Slot, result: outcome.Outcome[Any]) -> None:
    take, slot.take = slot.take, None
    if take is not None:
        take(result)
