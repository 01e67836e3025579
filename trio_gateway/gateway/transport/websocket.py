"""A WebSocket as a transport: frames are split here, pings of the client answered, and the Close is said once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from trio_gateway.gateway.transport.closing_handshake import close_websocket
from trio_gateway.gateway.transport.linger import linger
from trio_gateway.gateway.transport.socket import ClientSocket
from trio_gateway.gateway.transport.transport import Echo, Received
from trio_gateway.gateway.transport.verdict import LOST, Verdict, broken_frame, said_by_client
from trio_gateway.model import codes
from trio_gateway.model.commands import Pong
from trio_gateway.wire.frames import Opcode, pong_frame
from trio_gateway.wire.splitter import ControlFrame, FrameSplitter
from trio_gateway.wire.upgrade import UpgradeRequest, accept_response

PONG = Pong()


class WebSocketTransport:
    """Carry a connection over WebSocket.

    `rest` is what the client sent behind its request. `binary_is_another_protocol` tells that clients of
    this protocol mean its binary form by binary frames, and must not come back (protocol §1.1). Messages
    beyond `max_messages` are not heard; None for no bound.
    """

    __slots__ = (
        "_binary",
        "_heard",
        "_max_messages",
        "_request",
        "_rest",
        "_socket",
        "_splitter",
        "_subprotocol",
        "ping",
    )

    answers_pings = True
    session = ""

    def __init__(
        self,
        socket: ClientSocket,
        request: UpgradeRequest,
        rest: bytes,
        *,
        max_frame_size: int,
        ping: bytes,
        subprotocol: str | None = None,
        binary_is_another_protocol: bool = False,
        max_messages: int | None = None,
    ) -> None:
        self.ping = ping
        self._socket = socket
        self._request = request
        self._rest = rest
        self._subprotocol = subprotocol
        self._binary = codes.INAPPROPRIATE_PROTOCOL if binary_is_another_protocol else codes.UNSUPPORTED_DATA
        self._max_messages = max_messages
        self._splitter = FrameSplitter(max_frame_size)
        self._heard = b""

    def accept(self) -> bytes:
        """Write the response that accepts the upgrade."""
        return accept_response(self._request.key, self._subprotocol)

    def begin(self) -> Iterable[Received]:
        """Split what came behind the request."""
        return self._split(self._rest)

    async def read(self) -> Iterable[Received]:
        """Read once and split; raises as the socket does."""
        data = await self._socket.receive()
        return self._split(data) if data else (LOST,)

    async def watch(self) -> None:
        """Return: `read` does it."""

    def drop(self, received: Iterable[Received]) -> None:
        """Look for the client's Close among what was read: it is answered by ours."""
        for _ in received:
            pass

    def rest(self) -> Iterable[Received]:
        """Give nothing: what is in the socket was not taken."""
        return ()

    async def close(self, verdict: Verdict, goodbye: bytes) -> None:
        """Say goodbye and the one Close, and wait for the client's where it can come."""
        if verdict.said is None:
            return
        if goodbye:
            await self._socket.send(goodbye)
        await close_websocket(self._socket, self._splitter, verdict.said, heard=self._heard, answered=verdict.answered)
        if not verdict.answered:
            await linger(self._socket)

    def end(self) -> None:
        """Do nothing: nothing comes from outside."""

    def _split(self, data: bytes) -> Iterator[Received]:
        for received in self._splitter.receive(data):
            if isinstance(received, ControlFrame):
                yield self._take_control(received)
            elif self._max_messages is None:
                yield received
            elif self._max_messages:
                self._max_messages -= 1
                yield received
        violation = self._splitter.violation
        if violation is not None:
            yield broken_frame(self._binary if violation is codes.UNSUPPORTED_DATA else violation)

    def _take_control(self, frame: ControlFrame) -> Received:
        match frame.opcode:
            case Opcode.CLOSE:
                self._heard = frame.raw
                return said_by_client(int.from_bytes(frame.payload[:2], "big") or 1005)
            case Opcode.PING:
                return Echo(pong_frame(frame.payload))
        return PONG
