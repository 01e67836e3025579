"""A link is ended so that our last bytes arrive: closing with bytes unread would reset it, and the reset overtake them."""

from __future__ import annotations

import trio

from trio_gateway.gateway.transport.socket import ClientSocket

LINGER_SECONDS = 1.0
LINGER_BYTES = 256 * 1024
"""How long and how much is read after our last byte."""


async def linger(socket: ClientSocket) -> None:
    """Say that nothing more comes, then read and drop what the peer still sends, within the bounds."""
    socket.end_sending()
    read = 0
    with trio.move_on_after(LINGER_SECONDS):
        while read < LINGER_BYTES:
            data = await socket.receive()
            if not data:
                return
            read += len(data)
