"""The seam to trio-websocket: it says the handshake and speaks the Close; it never sees data or pings.

The library works on a stream of ours: a request head and Close frames are handed to it, and what it
writes goes through the client's one door. Its reader task sits in the connection's outer nursery. Pings
are answered by ours: the library, given some just before a Close, ends in an exception.
"""

from __future__ import annotations

import trio
import trio_websocket

from trio_gateway.gateway.socket import ClientSocket
from trio_gateway.model.codes import DisconnectCode
from trio_gateway.wire.frames import Opcode
from trio_gateway.wire.splitter import ControlFrame, FrameSplitter

HEAD = (
    "GET / HTTP/1.1\r\nHost: gateway\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{subprotocol}\r\n"
)
"""What the library reads in place of the client's own request: it answers the key, and the rest was judged before."""


class ControlStream(trio.abc.Stream):
    """Hand a request head and Close frames to the library, and its own bytes to the socket.

    While the connection is open the reader task feeds it. Once `closing`, it reads the socket itself
    and passes on Close frames only, so that the library sees the peer's answer.
    """

    __slots__ = ("_changed", "_closing", "_ended", "_socket", "_splitter", "_waiting")

    def __init__(self, socket: ClientSocket, splitter: FrameSplitter, head: bytes) -> None:
        self._socket = socket
        self._splitter = splitter
        self._waiting = bytearray(head)
        self._changed = trio.Event()
        self._closing = False
        self._ended = False

    def put_nowait(self, frame: ControlFrame) -> None:
        """Hand the client's Close to the library, which answers it."""
        self._waiting += frame.raw
        self._change()

    def begin_closing(self, *, answered: bool) -> None:
        """Read the socket here from now on; where no answer is awaited the library sees the end at once."""
        self._closing = True
        self._ended = not answered
        self._change()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:  # noqa: ARG002 - frames are small
        """Give the library what waits for it; b"" once the connection is over."""
        while not self._waiting:
            if self._ended:
                return b""
            if self._closing:
                await self._read_close()
            else:
                await self._changed.wait()
        data = bytes(self._waiting)
        self._waiting.clear()
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Write the library's bytes (a whole response or frame) through the client's door."""
        try:
            await self._socket.send(bytes(data))
        except (OSError, trio.ClosedResourceError) as error:
            self._end()
            raise trio.BrokenResourceError("the connection is lost") from error

    async def wait_send_all_might_not_block(self) -> None:
        """Return at once: the library does not use it."""
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        """Mark the end; the connection task closes the socket."""
        self._end()
        await trio.lowlevel.checkpoint()

    async def _read_close(self) -> None:
        try:
            data = await self._socket.receive()
        except (OSError, trio.ClosedResourceError):
            data = b""
        for frame in self._splitter.receive(data):
            if isinstance(frame, ControlFrame) and frame.opcode is Opcode.CLOSE:
                self._waiting += frame.raw
        self._ended = self._ended or not data or self._splitter.violation is not None

    def _end(self) -> None:
        self._ended = True
        self._change()

    def _change(self) -> None:
        self._changed.set()
        self._changed = trio.Event()


class WebSocket:
    """Hold one accepted WebSocket: what the library does for us."""

    __slots__ = ("_connection", "stream")

    def __init__(self, connection: trio_websocket.WebSocketConnection, stream: ControlStream) -> None:
        self._connection = connection
        self.stream = stream

    @classmethod
    async def accept(
        cls, nursery: trio.Nursery, socket: ClientSocket, splitter: FrameSplitter, key: str, subprotocol: str | None
    ) -> WebSocket:
        """Answer 101 to a request that was judged good; the library's reader runs in `nursery` from now on.

        Raises EOFError when the client has gone meanwhile.
        """
        offered = f"Sec-WebSocket-Protocol: {subprotocol}\r\n" if subprotocol else ""
        stream = ControlStream(socket, splitter, HEAD.format(key=key, subprotocol=offered).encode("ascii"))
        request = await trio_websocket.wrap_server_stream(nursery, stream)
        try:
            return cls(await request.accept(subprotocol=subprotocol), stream)
        except trio_websocket.ConnectionClosed:
            raise EOFError("the client left before it was answered") from None

    async def close(self, said: DisconnectCode, *, answered: bool) -> None:
        """Say the one Close, and wait for the peer's where `answered`; the caller sets the deadline."""
        self.stream.begin_closing(answered=answered)
        await self._connection.aclose(said.code, said.reason or None)
