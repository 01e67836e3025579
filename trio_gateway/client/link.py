"""One connection, from the upgrade to its end: a reader, a writer, and what they say to each other.

Only the writer writes, so a request that is cancelled never leaves half a frame on the wire. Whoever
finds out that the connection is over leaves a verdict and ends the nursery: LinkLost to try again,
any other error for good.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from contextlib import suppress

import trio

from trio_gateway.client.address import Address
from trio_gateway.client.backoff import Backoff
from trio_gateway.client.delivery import Delivery
from trio_gateway.client.dial import OpenStream
from trio_gateway.client.errors import ConnectionEnded, LinkLost, request_error
from trio_gateway.client.frames import (
    PONG,
    Error,
    Frame,
    GapFrame,
    Goodbye,
    Hello,
    MessageFrame,
    Ok,
    Ping,
    UnreadableFrame,
    read_frame,
    read_position,
    write_ack,
    write_request,
)
from trio_gateway.client.outstanding import Outstanding, Request
from trio_gateway.client.progress import ChannelProgress
from trio_gateway.client.socket import CLOSE_SECONDS, Socket, SocketClosed, open_socket
from trio_gateway.model import codes
from trio_gateway.model.errors import GatewayError
from trio_gateway.model.position import EVERYTHING_KEPT, START, Position
from trio_gateway.model.reason import reason_of

HELLO_SECONDS = 10.0
"""From the upgrade to the hello, which waits for the store."""

PING_GRACE_SECONDS = 10.0
"""How much later than promised a ping may come; that of the Centrifugo SDKs."""

FAREWELL_SECONDS = 10.0
"""From a goodbye to the Close."""

ACK_SECONDS = 0.2
"""Between two acknowledgements: the gateway writes them a few times a second as well."""

ANSWER_SECONDS = 5.0
"""For the answer to one request, as in the Centrifugo SDKs."""

OUTGOING_FRAMES = 64
"""Frames that wait for the writer; beyond, those who ask wait."""

Verdict = LinkLost | GatewayError

FindAddress = Callable[[], Awaitable[Address]]
"""Gives where to connect, with the token of now; an OSError means that there is none for the moment."""


class Link:
    """Hold one connection."""

    def __init__(
        self, find_address: FindAddress, open_stream: OpenStream, delivery: Delivery, on_change: Callable[[], None]
    ) -> None:
        self._find_address = find_address
        self._open_stream = open_stream
        self._delivery = delivery
        self._on_change = on_change
        self._outstanding = Outstanding()
        self._outgoing, self._to_write = trio.open_memory_channel[str](OUTGOING_FRAMES)
        self._scope = trio.CancelScope()
        self._patience = math.inf
        self._farewell: Goodbye | None = None
        self._verdict: Verdict | None = None
        self.open = False
        self.ready = False
        self.greeted_at = math.inf

    async def run(self) -> Verdict:
        """Run the connection to its end and tell what to make of it; raises what the application's token function does."""
        try:
            address = await self._find_address()
        except OSError as error:
            return LinkLost(f"there is no token now: {reason_of(error)}")
        try:
            async with open_socket(address, self._delivery.progress.since, self._open_stream) as socket:
                try:
                    await self._converse(socket)
                finally:
                    self.open = False
                    self._outstanding.lose_all()
                    await self._say_last(socket)
        except (LinkLost, GatewayError) as verdict:
            return verdict
        assert self._verdict is not None, "a conversation ends with a verdict"
        return self._verdict

    async def ask(self, request: Request) -> Ok | Error | None:
        """Send a request and wait for its answer; None when the connection is lost before."""
        if not self.open:
            return None
        expected = self._outstanding.expect(request)
        text = write_request(request.type, expected.ref, **request.fields)
        expected.size = len(text)
        try:
            await self._outgoing.send(text)
            await expected.done.wait()
        except trio.BrokenResourceError:
            return None
        except trio.Cancelled:
            if request.stateful:
                self.end(LinkLost(f"a {request.type} was given up before its answer"))
            raise
        finally:
            self._outstanding.forget(expected)
        return expected.value

    def end(self, verdict: Verdict) -> None:
        """End the connection; the first verdict counts."""
        self._verdict = self._verdict or verdict
        self.open = False
        self._scope.cancel()

    async def _converse(self, socket: Socket) -> None:
        async with trio.open_nursery() as nursery:
            self._scope = nursery.cancel_scope
            nursery.start_soon(self._write, socket)
            await self._read(socket, nursery)

    async def _read(self, socket: Socket, nursery: trio.Nursery) -> None:
        try:
            await self._greet(await socket.receive(HELLO_SECONDS), nursery)
            while True:
                text = await socket.receive(self._patience)
                await self._handle(read_frame(text), len(text))
        except SocketClosed as closed:
            self.end(self._judge_close(closed))
        except (LinkLost, UnreadableFrame) as error:
            self.end(self._judge_farewell() or LinkLost(str(error)))
        finally:
            socket.hurry()

    async def _write(self, socket: Socket) -> None:
        async with self._to_write:
            try:
                async for text in self._to_write:
                    await socket.send(text)
            except LinkLost as lost:
                # A server that is closing takes no more: what it says in its Close counts, if it comes.
                with trio.move_on_after(CLOSE_SECONDS):
                    await trio.sleep_forever()
                self.end(self._judge_farewell() or lost)

    async def _greet(self, text: str, nursery: trio.Nursery) -> None:
        frame = read_frame(text)
        if isinstance(frame, Goodbye):
            self._take_farewell(frame)
            return
        if not isinstance(frame, Hello):
            raise UnreadableFrame("the first frame is no hello")
        self._delivery.begin(frame)
        self._patience = frame.ping + PING_GRACE_SECONDS if frame.ping else math.inf
        self.greeted_at = trio.current_time()
        self.open = True
        self._on_change()
        nursery.start_soon(self._acknowledge)
        nursery.start_soon(self._resume)

    async def _handle(self, frame: Frame | None, size: int) -> None:
        match frame:
            case MessageFrame() | GapFrame():
                await self._delivery.take(frame, size)
            case Ok() | Error():
                self._outstanding.answer(frame)
            case Ping():
                await self._send(PONG)
            case Goodbye():
                self._take_farewell(frame)

    async def _send(self, text: str) -> None:
        await self._outgoing.send(text)

    def _take_farewell(self, frame: Goodbye) -> None:
        self._farewell = frame
        self._patience = FAREWELL_SECONDS
        self.open = False

    async def _acknowledge(self) -> None:
        cursor = self._delivery.cursor
        while True:
            await cursor.wait_due()
            position = cursor.take_due()
            assert position is not None, "it was due"
            await self._send(write_ack(position))
            await trio.sleep(ACK_SECONDS)

    async def _resume(self) -> None:
        """Subscribe again to every channel; ready when all are answered."""
        async with trio.open_nursery() as nursery:
            for channel, progress in self._delivery.progress.channels.items():
                nursery.start_soon(self._subscribe, channel, progress)
        if self._verdict is None:
            self.ready = True
            self._on_change()

    async def _subscribe(self, channel: str, progress: ChannelProgress) -> None:
        # Without an epoch the channel kept no history: there is no place to go on from.
        since = progress.taken if progress.taken is not None and progress.taken.epoch else None
        request = subscribe_request(channel, since, lambda ok: progress.resume(start_of(ok)))
        backoff = Backoff()
        with trio.move_on_after(ANSWER_SECONDS) as waiting:
            while isinstance(answer := await self.ask(request), Error):
                if answer.code != codes.INTERNAL_ERROR.code:
                    self.end(request_error(answer.code, f"{channel}: {answer.reason}"))
                    return
                # The store is away. That is no reason to hurry, nor to leave.
                waiting.deadline = math.inf
                await trio.sleep(backoff.next())
                waiting.deadline = trio.current_time() + ANSWER_SECONDS

    async def _say_last(self, socket: Socket) -> None:
        """Tell what was processed, also when leaving in a hurry: it would come again."""
        self._delivery.cursor.forget_told()
        position = self._delivery.cursor.due()
        if position is not None and self._verdict is None:
            with suppress(LinkLost):
                await socket.send(write_ack(position))

    def _judge_farewell(self) -> Verdict | None:
        bye = self._farewell
        if bye is None:
            return None
        if bye.reconnect_ms is None or codes.is_terminal(bye.code):
            return ConnectionEnded(bye.code, bye.reason)
        return LinkLost(f"goodbye: {bye.code} {bye.reason}", delay=bye.reconnect_ms / 1000, exact=True)

    def _judge_close(self, closed: SocketClosed) -> Verdict:
        if codes.is_terminal(closed.code):
            return ConnectionEnded(closed.code, closed.reason)
        if closed.code == codes.MESSAGE_TOO_BIG.code and not self._outstanding.fail_largest():
            # Not our frame, so theirs: it would be as large the next time.
            return ConnectionEnded(closed.code, closed.reason)
        return self._judge_farewell() or LinkLost(f"the connection was closed: {closed}")


def subscribe_request(channel: str, since: Position | None, on_ok: Callable[[Ok], None]) -> Request:
    """Make the request to subscribe; `since` START asks for everything kept, None for what comes."""
    fields: dict[str, object] = {"channel": channel}
    if since is not None:
        fields["since"] = EVERYTHING_KEPT if since == START else str(since)
    return Request("subscribe", fields, on_ok=on_ok, stateful=True)


def start_of(ok: Ok) -> Position:
    """Read where a subscription starts; START where the channel keeps no history."""
    return read_position(ok.position or "")
