"""The client's door to the WebSocket: text in, text out, one Close; the only module here with trio_websocket.

The library's own reader sits in a task that no cancellation from outside reaches: it ends when the
Close has been exchanged, or after a bounded wait, so leaving by whatever way says goodbye properly.
Found in the library, and met here: its opening waits for ever when the server closes instead of
answering, and its reader lets the errors of a rude server out into the nursery.
"""

from __future__ import annotations

import math
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import cast

import h11
import trio
from trio_websocket import ConnectionClosed, ConnectionRejected, HandshakeError, WebSocketConnection, wrap_client_stream
from wsproto.utilities import ProtocolError

from trio_gateway.client.address import Address
from trio_gateway.client.dial import OpenStream
from trio_gateway.client.errors import LinkLost
from trio_gateway.client.flat_nursery import leaves_of, open_flat_nursery
from trio_gateway.client.refusal import judge_refusal
from trio_gateway.model.errors import GatewayError
from trio_gateway.model.position import Position
from trio_gateway.model.reason import reason_of

OPEN_SECONDS = 10.0
"""For name, TCP, TLS and the upgrade together; the gateway gives a handshake as long."""

WRITE_SECONDS = 10.0
"""A server that takes nothing for so long is gone."""

CLOSE_SECONDS = 2.0
"""The most that leaving takes: for the frame under way, the last acknowledgement and the server's Close."""

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""The gateway publishes 1 MiB at most by default; the setting may be larger."""

RECEIVE_BYTES = 65_536
"""Read in one go; the library's own 4 KiB make sixteen times the system calls of a busy inbox."""

LIBRARY_ERRORS = (
    ConnectionClosed,
    HandshakeError,
    ProtocolError,
    h11.ProtocolError,
    UnicodeDecodeError,
    OSError,
    ssl.SSLError,
    trio.BrokenResourceError,
    trio.ClosedResourceError,
    trio.TooSlowError,
)

HUNG_UP = (ConnectionClosed, trio.BrokenResourceError, trio.ClosedResourceError)
"""What has no words of its own, unless the system's stand behind it."""


class SocketClosed(Exception):
    """Tell that the WebSocket is closed; 1006 where no Close said why."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}".rstrip())
        self.code = code
        self.reason = reason


class WatchedStream(trio.abc.Stream):
    """Tell when bytes come, pings among them, and when no more will."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self.upgrade = trio.CancelScope()
        self.silence = trio.CancelScope()
        self.patience = math.inf

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Receive bytes; they end the silence, and their end ends an upgrade under way."""
        try:
            data = await self._stream.receive_some(max_bytes)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self.upgrade.cancel()
            raise
        if not data:
            self.upgrade.cancel()
        self.silence.deadline = trio.current_time() + self.patience
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send all bytes; where that is impossible, an upgrade under way ends."""
        try:
            await self._stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self.upgrade.cancel()
            raise

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until sending might not block."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()


class Socket:
    """Send and receive the texts of one open WebSocket."""

    def __init__(self, ws: WebSocketConnection, stream: WatchedStream) -> None:
        self._ws = ws
        self._stream = stream
        self._half_written = False
        self._writing = trio.CancelScope()
        self._leave_by = math.inf
        self.leave = trio.Event()

    async def receive(self, patience: float) -> str:
        """Receive the next text.

        Raises SocketClosed at the end, and LinkLost when for `patience` seconds not one byte came.
        """
        self._stream.patience = patience
        self._stream.silence = trio.CancelScope(deadline=trio.current_time() + patience)
        with self._stream.silence:
            return await self._next_text()
        raise LinkLost(f"nothing came for {patience:g} s")

    async def send(self, text: str) -> None:
        """Send a text whole, cancelled or not; raises LinkLost when the server does not take it in time, or has gone."""
        if self._half_written:
            raise LinkLost("a frame was left half-written")
        self._half_written = True
        deadline = min(trio.current_time() + WRITE_SECONDS, self._leave_by)
        try:
            with trio.CancelScope(deadline=deadline, shield=True) as self._writing:
                await self._ws.send_message(text)
                self._half_written = False
        except LIBRARY_ERRORS as error:
            raise LinkLost(f"could not send: {_words(error)}") from error
        if self._half_written:
            raise LinkLost("the server takes no more")

    def hurry(self) -> None:
        """Leave within 2 seconds from now, whatever is still to be written and said."""
        self._leave_by = min(self._leave_by, trio.current_time() + CLOSE_SECONDS)
        self._writing.deadline = min(self._writing.deadline, self._leave_by)

    async def say_goodbye(self) -> None:
        """Exchange Close frames, until it is time to leave; after half a frame, nothing more can be said."""
        self.hurry()
        if not self._half_written:
            with trio.move_on_at(self._leave_by):
                await self._ws.aclose()

    async def _next_text(self) -> str:
        try:
            message = await self._ws.get_message()
        except ConnectionClosed as closed:
            reason = closed.reason
            raise SocketClosed(reason.code if reason else 1006, (reason and reason.reason) or "") from None
        if isinstance(message, str):
            return message
        raise LinkLost("the server sent a binary frame")


@asynccontextmanager
async def open_socket(address: Address, since: Position | None, open_stream: OpenStream) -> AsyncIterator[Socket]:
    """Open a WebSocket, and close it at the end of the block with a Close.

    Raises LinkLost when that fails for now, and the fitting error of the model, UpgradeRefused or
    ServerUntrusted when the server will not have us.
    """
    async with open_flat_nursery() as nursery:
        socket: Socket = await nursery.start(_hold, address, since, open_stream)
        try:
            yield socket
        finally:
            socket.leave.set()


async def _hold(
    address: Address, since: Position | None, open_stream: OpenStream, *, task_status: trio.TaskStatus[Socket]
) -> None:
    """Keep one WebSocket from its opening to its Close."""
    started = False
    faults: list[BaseException] = []
    try:
        async with trio.open_nursery() as library, AsyncExitStack() as streams:
            with trio.fail_after(OPEN_SECONDS):
                stream = WatchedStream(await open_stream(address))
                streams.push_async_callback(trio.aclose_forcefully, stream)
                socket = await _upgrade(library, stream, address, since)
            library.cancel_scope.shield = True
            task_status.started(socket)
            started = True
            await socket.leave.wait()
            await socket.say_goodbye()
            library.cancel_scope.cancel()
    except* LIBRARY_ERRORS as group:
        faults = leaves_of(group)
    if not started:
        raise _judge(faults, address)


async def _upgrade(library: trio.Nursery, stream: WatchedStream, address: Address, since: Position | None) -> Socket:
    with stream.upgrade:
        ws = await wrap_client_stream(
            library,
            cast("trio.SocketStream", stream),  # any trio.abc.Stream will do, in spite of the library's types
            address.authority,
            address.target(since),
            extra_headers=list(address.headers),
            max_message_size=MAX_MESSAGE_BYTES,
            receive_buffer_size=RECEIVE_BYTES,
        )
        return Socket(ws, stream)
    raise LinkLost("the server closed instead of answering the upgrade")


def _judge(faults: list[BaseException], address: Address) -> LinkLost | GatewayError:
    for fault in faults:
        if isinstance(fault, ConnectionRejected):
            return judge_refusal(fault.status_code, fault.headers, fault.body)
    return LinkLost(f"could not connect to {address.authority}: {_words(faults[0])}")


def _words(fault: BaseException) -> str:
    """Put into words what has none of its own; what a socket said is the cause of a broken stream."""
    if isinstance(fault, trio.TooSlowError):
        return f"no answer within {OPEN_SECONDS:g} s"
    if isinstance(fault, HUNG_UP) and not isinstance(fault.__cause__, OSError):
        return "the server hung up"
    return reason_of(fault)
