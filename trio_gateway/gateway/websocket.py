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

    The library answers a Close as soon as it sees one, and then nothing may follow (RFC 6455 §5.5.1). So the
    client's Close waits here until `begin_closing`, when nobody else writes any more. From then on this reads
    the socket itself, so that the library sees the peer's answer.
    """

    __slots__ = ("_closes", "_ended", "_head", "_over", "_socket", "_splitter")

    def __init__(self, socket: ClientSocket, splitter: FrameSplitter, head: bytes) -> None:
        self._socket = socket
        self._splitter = splitter
        self._head = head
        self._closes = bytearray()
        self._over = trio.Event()
        self._ended = False

    def keep_nowait(self, frame: ControlFrame) -> None:
        """Keep the client's Close for the library."""
        self._closes += frame.raw

    def keep_close_of(self, data: bytes) -> None:
        """Keep a Close among these bytes of the client, and drop everything else; b"" is the end."""
        for frame in self._splitter.receive(data):
            if isinstance(frame, ControlFrame) and frame.opcode is Opcode.CLOSE:
                self.keep_nowait(frame)
        self._ended = self._ended or not data or self._splitter.violation is not None

    def begin_closing(self) -> None:
        """Read the socket here from now on, for the answer to our Close."""
        self._over.set()

    def end(self) -> None:
        """Let the library see the end, after a Close that waits here."""
        self._ended = True
        self._over.set()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:  # noqa: ARG002 - frames are small
        """Give the library the request head, then nothing until the end, then Close frames; b"" after the last one."""
        if self._head:
            head, self._head = self._head, b""
            return head
        await self._over.wait()
        while not self._closes:
            if self._ended:
                return b""
            await self._read_close()
        closes = bytes(self._closes)
        self._closes.clear()
        return closes

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Write the library's bytes (a whole response or frame) through the client's door."""
        try:
            await self._socket.send(bytes(data))
        except (OSError, trio.ClosedResourceError) as error:
            self.end()
            raise trio.BrokenResourceError("the connection is lost") from error

    async def wait_send_all_might_not_block(self) -> None:
        """Return at once: the library does not use it."""
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        """Mark the end; the connection task closes the socket."""
        self.end()
        await trio.lowlevel.checkpoint()

    async def _read_close(self) -> None:
        try:
            data = await self._socket.receive()
        except (OSError, trio.ClosedResourceError):
            data = b""
        self.keep_close_of(data)


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

    def end(self) -> None:
        """Let the library's reader end by itself, in a third of the time of a cancellation."""
        self.stream.end()

    async def close(self, said: DisconnectCode, *, answered: bool) -> None:
        """Say the one Close, and wait for the peer's where `answered`; the caller sets the deadline."""
        if answered:
            self.stream.begin_closing()
        else:
            self.stream.end()
        await self._connection.aclose(said.code, said.reason or None)
