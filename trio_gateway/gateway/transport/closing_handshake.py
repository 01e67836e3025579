"""The seam to trio-websocket: it speaks the closing handshake, and never sees anything else of a connection.

The library works on a stream of ours: only Close frames are handed to it, and what it writes goes through
the client's one door. It begins when the conversation is over: until then it would have nothing to do.
"""

from __future__ import annotations

import trio
import trio_websocket
import wsproto
from wsproto.connection import Connection

from trio_gateway.gateway.transport.socket import ClientSocket
from trio_gateway.model.codes import DisconnectCode
from trio_gateway.wire.frames import Opcode
from trio_gateway.wire.splitter import ControlFrame, FrameSplitter


class CloseStream(trio.abc.Stream):
    """Hand Close frames to the library, and its own bytes to the socket.

    `heard` is the Close that the client has sent already, empty where it has not. Without `listening`
    the library sees the end after that; with it, this reads the socket for the client's answer.
    """

    def __init__(self, socket: ClientSocket, splitter: FrameSplitter, heard: bytes, *, listening: bool) -> None:
        self._socket = socket
        self._splitter = splitter
        self._heard = heard
        self._ended = not listening or splitter.violation is not None

    async def receive_some(self, max_bytes: int | None = None) -> bytes:  # noqa: ARG002 - frames are small
        """Give the library Close frames; b"" at the end."""
        while not self._heard:
            if self._ended:
                return b""
            await self._listen()
        heard, self._heard = self._heard, b""
        return heard

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Write the library's bytes (a whole frame) through the client's door."""
        try:
            await self._socket.send(bytes(data))
        except (OSError, trio.ClosedResourceError) as error:
            self._ended = True
            raise trio.BrokenResourceError("the connection is lost") from error

    async def wait_send_all_might_not_block(self) -> None:
        """Return at once: the library does not use it."""
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        """Mark the end; the connection task closes the socket."""
        self._ended = True
        await trio.lowlevel.checkpoint()

    async def _listen(self) -> None:
        try:
            data = await self._socket.receive()
        except (OSError, trio.ClosedResourceError):
            data = b""
        self._heard = close_among(self._splitter, data)
        self._ended = self._ended or not data or self._splitter.violation is not None


def close_among(splitter: FrameSplitter, data: bytes) -> bytes:
    """Find the Close frame among these bytes of the client, and drop everything else; b"" where there is none."""
    for frame in splitter.receive(data):
        if isinstance(frame, ControlFrame) and frame.opcode is Opcode.CLOSE:
            return frame.raw
    return b""


def _opened() -> wsproto.WSConnection:
    """Make the protocol's state as it is after the upgrade, which was answered by `wire/upgrade.py`."""
    protocol = wsproto.WSConnection(wsproto.ConnectionType.SERVER)
    protocol.connection = Connection(wsproto.ConnectionType.SERVER)
    return protocol


async def close_websocket(
    socket: ClientSocket, splitter: FrameSplitter, said: DisconnectCode, *, heard: bytes, answered: bool
) -> None:
    """Say the one Close, and wait for the peer's where `answered`; the caller sets the deadline.

    `heard` is the Close that the client has sent already, empty where it has not.
    """
    stream = CloseStream(socket, splitter, heard, listening=answered)
    connection = trio_websocket.WebSocketConnection(stream, _opened())
    async with trio.open_nursery() as nursery:
        # What the library offers publicly begins with an upgrade of its own, and then starts its reader like this.
        nursery.start_soon(connection._reader_task)  # noqa: SLF001
        await connection.aclose(said.code, said.reason or None)
        nursery.cancel_scope.cancel()
