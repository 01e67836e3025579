"""The stream of an HTTP response as a transport: what is said goes out as events or lines, until the connection ends.

The response has no length and no chunks: it ends with its connection (RFC 9112 §6.3), so each message is
the same bytes for all clients. What clients say comes in requests of their own, which name the
stream by its session (protocol §11), or not at all.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterable, MutableMapping, Sequence
from contextlib import suppress

import trio

from trio_gateway.gateway.transport.linger import linger
from trio_gateway.gateway.transport.socket import ClientSocket
from trio_gateway.gateway.transport.transport import Received
from trio_gateway.gateway.transport.verdict import LOST, Verdict

WAITING_BYTES = 262_144
"""Of one client's messages, handed over and not yet carried out: four of the largest, as `max_frame_size` is by default."""

MESSAGE_BYTES = 4096
"""That a message counts for beside its text: so at most 64 wait, however small."""

SESSION_BYTES = 18
"""Of chance in a session's name, which is a secret: more than anybody guesses."""

_HEAD = (
    b"HTTP/1.1 200 OK\r\n"
    b"Content-Type: %b\r\n"
    b"Cache-Control: private, no-cache, no-store, must-revalidate, max-age=0\r\n"
    b"X-Accel-Buffering: no\r\n"
    b"Connection: close\r\n"
    b"%b\r\n"
)


def stream_head(content_type: str, headers: Sequence[tuple[str, str]] = ()) -> bytes:
    """Write the head of a response that goes on until its connection ends, and that no proxy shall keep or hold back."""
    more = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return _HEAD % (content_type.encode("ascii"), more.encode("ascii"))


def new_session() -> str:
    """Name a session, which nobody guesses."""
    return secrets.token_urlsafe(SESSION_BYTES)


class StreamTransport:
    """Carry a connection in an HTTP response that starts with `head`.

    With `streams` it takes messages from outside: it is found there by its session, from now until its end.
    The system gives up a client whose machine left bytes unacknowledged for `unanswered_seconds`.
    """

    __slots__ = ("_head", "_receiver", "_sender", "_socket", "_streams", "_waiting", "answers_pings", "ping", "session")

    def __init__(
        self,
        socket: ClientSocket,
        head: bytes,
        *,
        ping: bytes,
        streams: Streams | None = None,
        unanswered_seconds: float,
    ) -> None:
        self.ping = ping
        self.answers_pings = streams is not None
        self.session = "" if streams is None else new_session()
        self._streams = streams
        self._socket = socket
        self._head = head
        self._sender, self._receiver = trio.open_memory_channel[bytes](math.inf)  # WAITING_BYTES is the bound
        self._waiting = 0
        if streams is not None:
            streams[self.session] = self
        socket.give_up_after(unanswered_seconds)

    def accept(self) -> bytes:
        """Write the head of the response."""
        return self._head

    def begin(self) -> Iterable[Received]:
        """Give nothing: what comes behind a request is not of this connection."""
        return ()

    def post_nowait(self, text: bytes) -> bool:
        """Hand over a message (valid UTF-8) that came by another request; False where too many wait already."""
        size = MESSAGE_BYTES + len(text)
        if self._waiting and self._waiting + size > WAITING_BYTES:
            return False
        self._sender.send_nowait(text)
        self._waiting += size
        return True

    async def read(self) -> Iterable[Received]:
        """Wait for a message from outside, or for the end; raises as the socket does."""
        if not self.session:
            await self._socket.receive()  # the end, or what no client of a response sends
            return (LOST,)
        try:
            text = await self._receiver.receive()
        except trio.EndOfChannel:
            return (LOST,)
        self._waiting -= MESSAGE_BYTES + len(text)
        return (text,)

    async def watch(self) -> None:
        """Wait for the end of the connection, and let `read` find it behind what was handed over before."""
        if not self.session:
            return
        try:
            await self._socket.receive()
        except (OSError, trio.ClosedResourceError):
            pass
        finally:
            self._sender.close()

    def drop(self, received: Iterable[Received]) -> None:
        """Do nothing: what was handed over too late is not answered."""

    def rest(self) -> Iterable[Received]:
        """Give the messages that were handed over: who posted them was told that they are taken."""
        with suppress(trio.WouldBlock, trio.EndOfChannel):
            while True:
                yield self._receiver.receive_nowait()

    async def close(self, verdict: Verdict, goodbye: bytes) -> None:
        """Say goodbye, and end the response."""
        if verdict.said is None:
            return
        if goodbye:
            await self._socket.send(goodbye)
        await linger(self._socket)

    def end(self) -> None:
        """Take nothing from outside any more."""
        if self._streams is not None:
            self._streams.pop(self.session, None)
        self._sender.close()
        self._receiver.close()


Streams = MutableMapping[str, StreamTransport]
"""The streams of a node that take messages from outside, by session."""
