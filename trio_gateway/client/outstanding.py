"""Requests on their way over one connection, matched with their answers by `ref`."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable

import attrs
import trio

from trio_gateway.client.frames import Error, Ok, Ref
from trio_gateway.model import codes

logger = logging.getLogger(__name__)


def _nothing(_ok: Ok) -> None:
    pass


@attrs.frozen
class Request:
    """Hold what a request says, apart from the `ref`, which is new on each connection.

    `on_ok` is called by the reader at the answer, before it reads on. `stateful` requests change what
    the connection is subscribed to: unanswered, the connection is given up, since nobody knows its state.
    """

    type: str
    fields: dict[str, object]
    id: str = ""
    on_ok: Callable[[Ok], None] = _nothing
    stateful: bool = False


@attrs.define
class Expected:
    """Wait for one answer; `value` None after `done` means that the connection was lost before it."""

    ref: int
    size: int = 0
    on_ok: Callable[[Ok], None] = _nothing
    done: trio.Event = attrs.field(factory=trio.Event)
    value: Ok | Error | None = None

    def settle(self, value: Ok | Error | None) -> None:
        """Take the answer, or the loss of the connection."""
        if isinstance(value, Ok):
            self.on_ok(value)
        self.value = value
        self.done.set()


class Outstanding:
    """Hold the expected answers of one connection."""

    def __init__(self) -> None:
        self._refs = itertools.count(1)
        self._expected: dict[Ref, Expected] = {}

    def expect(self, request: Request) -> Expected:
        """Expect an answer, to a `ref` that is new."""
        expected = Expected(next(self._refs), on_ok=request.on_ok)
        self._expected[expected.ref] = expected
        return expected

    def forget(self, expected: Expected) -> None:
        """Expect an answer no more; if it comes, it is passed by."""
        self._expected.pop(expected.ref, None)

    def answer(self, frame: Ok | Error) -> None:
        """Match an answer with its request."""
        expected = self._expected.get(frame.ref)
        if expected is not None:
            expected.settle(frame)
            self.forget(expected)
        elif isinstance(frame, Error):
            logger.info("the server reports error %d: %s", frame.code, frame.reason)

    def fail_largest(self) -> bool:
        """Fail the largest request: the server took offence at the size of a frame, so that one is too large.

        Whichever it was, it is still unanswered, and what is at least as large is past the same bound.
        """
        if not self._expected:
            return False
        largest = max(self._expected.values(), key=lambda expected: expected.size)
        self.answer(Error(codes.BAD_REQUEST.code, "larger than the server lets a frame be", ref=largest.ref))
        return True

    def lose_all(self) -> None:
        """Tell all who wait that the connection is lost."""
        while self._expected:
            self._expected.popitem()[1].settle(None)
