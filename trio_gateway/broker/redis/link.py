"""A link is one connection while it lives: commands of all tasks pipelined, replies in order.

What is queued in one scheduling round goes out in one send. A lost link fails all that is
outstanding and is never used again; `connection.py` makes the next one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import attrs
import hiredis
import outcome
import trio
from redis import exceptions

from trio_gateway.broker.redis.errors import convert
from trio_gateway.broker.redis.slots import Slots
from trio_gateway.model.reason import reason_of

RECEIVE_BYTES = 65_536
NOT_ENOUGH = object()

Argument = str | bytes | int
Command = tuple[Argument, ...]

TakePushes = Callable[[list[Any]], Awaitable[None]]
"""Takes the pushes of one read, in order; the link reads on when it has returned."""


def pack(command: Command) -> bytes:
    """Write a command in RESP; raises UnicodeEncodeError for text that UTF-8 can't write."""
    packed: bytes = hiredis.pack_command(command)  # type: ignore[arg-type]  # its stub says a tuple of one
    return packed


async def ignore_pushes(_pushes: list[Any]) -> None:
    """Let pushes go by, on a link that has nothing subscribed."""


@attrs.frozen
class Bounds:
    """Bound what one link has outstanding: commands, and their bytes.

    `deadline` is seconds for each reply, `patience` seconds to wait for room or for a new link: what a
    client sees stays below their sum, and that below 2 s.
    """

    commands: int = 16_384
    size: int = 67_108_864
    deadline: float = 1.5
    patience: float = 0.4


class Link:
    """Speak RESP over one stream; run `run` in a nursery beside the calls."""

    def __init__(self, stream: trio.abc.Stream, bounds: Bounds, take_pushes: TakePushes = ignore_pushes) -> None:
        self._stream = stream
        self._bounds = bounds
        self._take_pushes = take_pushes
        self._slots = Slots()
        self._unsent: list[bytes] = []
        self._sendable = trio.lowlevel.ParkingLot()
        self._waiting = trio.Event()
        self._room = trio.lowlevel.ParkingLot()
        self._lost: str | None = None
        self._scope = trio.CancelScope()

    async def run(self) -> None:
        """Serve the link until it is lost, and close the stream; `reason` tells why."""
        reason = "the gateway closed the connection"
        try:
            with self._scope:
                reason = await self._run_tasks()
        finally:
            self._lost = self._lost or reason
            self._slots.fail_all(self._lost)
            self._room.unpark_all()
            await trio.aclose_forcefully(self._stream)

    def close_nowait(self, reason: str) -> None:
        """Give the link up: everything outstanding fails with ConnectionError."""
        self._lost = self._lost or reason
        self._scope.cancel()

    @property
    def reason(self) -> str:
        """Say why the link was lost; empty while it is not."""
        return self._lost or ""

    @property
    def lost(self) -> bool:
        """Tell whether calls can only fail."""
        return self._lost is not None

    async def call(self, *command: Argument) -> Any:
        """Send one command and wait for its reply.

        Raises redis.exceptions: ConnectionError when the link is lost, TimeoutError when no reply
        came in time (both: outcome unknown), another one for an error reply.
        """
        if self._is_full():
            await self._wait_for_room()
        packed = pack(command)
        self._write(packed)
        return await self._slots.wait(trio.current_time() + self._bounds.deadline, len(packed))

    async def call_all(self, commands: Sequence[Command]) -> list[outcome.Outcome[Any]]:
        """Send commands together (at least one) and wait for all replies; answers each one's outcome, in order."""
        if self._is_full():
            await self._wait_for_room()
        packed = [pack(command) for command in commands]
        self._write(b"".join(packed))
        return await self._slots.wait_all(trio.current_time() + self._bounds.deadline, [len(one) for one in packed])

    def send_nowait(self, *command: Argument) -> None:
        """Send a command that is answered by pushes alone; raises ConnectionError when the link is lost."""
        self._write(pack(command))

    def _write(self, packed: bytes) -> None:
        if self._lost is not None:
            raise exceptions.ConnectionError(self._lost)
        self._unsent.append(packed)
        self._sendable.unpark()
        self._waiting.set()

    def _is_full(self) -> bool:
        return len(self._slots) >= self._bounds.commands or self._slots.size >= self._bounds.size

    async def _wait_for_room(self) -> None:
        with trio.move_on_after(self._bounds.patience):
            while self._is_full() and not self.lost:
                await self._room.park()
            return
        raise exceptions.ConnectionError("too many commands are outstanding; this one was not sent")

    async def _run_tasks(self) -> str:
        reasons: list[str] = []

        async def until_lost(part: Callable[[], Any]) -> None:
            reasons.append(await part())
            nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(until_lost, self._send)
            nursery.start_soon(until_lost, self._receive)
            nursery.start_soon(until_lost, self._watch)
        return reasons[0]

    async def _send(self) -> str:
        try:
            while True:
                while not self._unsent:
                    await self._sendable.park()
                batch, self._unsent = self._unsent, []
                await self._stream.send_all(batch[0] if len(batch) == 1 else b"".join(batch))
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            return f"sending failed: {reason_of(error)}"

    async def _receive(self) -> str:
        reader = hiredis.Reader(notEnoughData=NOT_ENOUGH)
        try:
            while data := await self._stream.receive_some(RECEIVE_BYTES):
                reader.feed(bytes(data))  # no copy where it is bytes already
                if pushes := self._take_replies(reader):
                    await self._take_pushes(pushes)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            return f"receiving failed: {reason_of(error)}"
        except hiredis.ProtocolError as error:
            return f"the server does not speak RESP: {error}"
        return "the server closed the connection"

    def _take_replies(self, reader: hiredis.Reader) -> list[Any]:
        pushes = []
        while (reply := reader.gets()) is not NOT_ENOUGH:
            # A PushNotification is a list as well, so its type is asked first.
            if isinstance(reply, hiredis.PushNotification):
                pushes.append(reply)
            elif self._slots:
                self._slots.answer_next(convert(reply))
            else:
                raise hiredis.ProtocolError("a reply that nobody asked for")
        if self._room and not self._is_full():
            self._room.unpark_all()
        return pushes

    async def _watch(self) -> str:
        """Fail what is overdue; ends when the oldest reply is late by a second deadline."""
        while True:
            head = self._slots.head
            if head is None:
                self._waiting = trio.Event()
                await self._waiting.wait()
                continue
            now = trio.current_time()
            if head.deadline + self._bounds.deadline <= now:
                return "the server does not answer"
            # A command that comes while this sleeps is due no earlier than a deadline from now.
            due = self._slots.fail_due(now) or now + self._bounds.deadline
            await trio.sleep_until(min(due, head.deadline + self._bounds.deadline))
