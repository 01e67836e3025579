"""A transport is how a client's connection goes over its socket: as a WebSocket, or as the stream of an HTTP response.

It speaks bytes; what is said with them is the codec's, and what comes of it the connection's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import attrs

from trio_gateway.gateway.transport.verdict import Verdict
from trio_gateway.model.commands import Pong


@attrs.frozen
class Echo:
    """Hold what the transport itself answers the client, behind all that was asked before."""

    data: bytes


Received = bytes | Pong | Echo | Verdict
"""What a client says: the text of one message, an answer to a ping, what is echoed, and how the connection ends."""


class Transport(Protocol):
    """Carry one client's connection.

    `ping` is what the heartbeat sends; `answers_pings` tells whether the client must answer it. `session` is the secret
    by which commands reach the connection from outside (protocol §11), empty for none.
    """

    ping: bytes
    answers_pings: bool
    session: str

    def accept(self) -> bytes:
        """Write what accepts the request; messages may follow at once."""

    def begin(self) -> Iterable[Received]:
        """Read what came with the request, in order and as far as it is asked for."""

    async def read(self) -> Iterable[Received]:
        """Wait for what the client says next, at least for its end.

        Raises OSError or trio.ClosedResourceError where the connection is lost.
        """

    async def watch(self) -> None:
        """Watch the socket for its end, where `read` does not; runs beside it, and returns where there is nothing to watch."""

    def drop(self, received: Iterable[Received]) -> None:
        """Take note of what was read too late to be answered."""

    def rest(self) -> Iterable[Received]:
        """Give what was taken from the client, who was told so, and not read yet."""

    async def close(self, verdict: Verdict, goodbye: bytes) -> None:
        """Say goodbye where the verdict says something, and wait for what must be waited for; raises as `read` does.

        The caller sets the deadline, and closes the socket.
        """

    def end(self) -> None:
        """Take nothing from outside any more; does nothing the second time."""
