"""The drain: every client gets its goodbye, spread over the window, and who has none yet still receives."""

from __future__ import annotations

import trio

from trio_gateway.gateway.nodes.node import Node
from trio_gateway.model import codes

SLOWEST_GOODBYES_PER_SECOND = 500
"""Few clients are gone at once; only many are spread, so that they arrive elsewhere one after another."""

OPENING_SECONDS = 1.0
"""What a request head may still take when all others were told."""

TICK_SECONDS = 0.02


async def drain(node: Node, window: float) -> None:
    """Tell every client goodbye, evenly over `window` seconds but never slower than 500 a second.

    Returns when the last one has gone; who finishes its opening later is told at once.
    """
    leaving = list(node.connections)
    duration = min(window, len(leaving) / SLOWEST_GOODBYES_PER_SECOND)
    started = trio.current_time()
    told = 0
    while told < len(leaving):
        passed = (trio.current_time() - started) / duration if duration else 1.0
        due = min(len(leaving), 1 + int(passed * len(leaving)))
        for connection in leaving[told:due]:
            connection.leave(codes.SHUTDOWN)
        told = due
        await trio.sleep(TICK_SECONDS)
    node.dismissing = True
    for connection in tuple(node.connections):
        connection.leave(codes.SHUTDOWN)  # who finished its opening inside the window; once told counts
    _hurry_openings(node)
    while node.sockets:  # noqa: ASYNC110 - once a stop, and cheaper than an event for each end
        await trio.sleep(TICK_SECONDS)


def _hurry_openings(node: Node) -> None:
    """Let an opening that is under way end soon: a client that does not end its request is dropped."""
    for scope in node.openings:
        scope.deadline = min(scope.deadline, trio.current_time() + OPENING_SECONDS)
