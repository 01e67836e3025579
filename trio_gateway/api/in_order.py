"""Many calls at the same time are bounded, and are answered in the order in which they were asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import trio

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")

AT_A_TIME = 64
"""Calls of one request: enough to fill the connection to the store, few enough to leave it to others as well."""


async def in_order(
    call: Callable[[Asked], Awaitable[Answered]], items: Sequence[Asked], at_a_time: int = AT_A_TIME
) -> list[Answered]:
    """Call once for each item, up to `at_a_time` at once, and give the answers in the items' order.

    What a call raises ends the others, and is raised in a group.
    """
    answers: dict[int, Answered] = {}
    waiting = iter(enumerate(items))

    async def work() -> None:
        for number, item in waiting:
            # A call may answer without a wait, and there may be many.
            await trio.lowlevel.checkpoint()
            answers[number] = await call(item)

    async with trio.open_nursery() as nursery:
        for _ in range(min(at_a_time, len(items))):
            nursery.start_soon(work)
    return [answers[number] for number in range(len(items))]
