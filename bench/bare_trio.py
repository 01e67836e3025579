"""Bare Trio: accept, read a request, answer 101, and keep two tasks in a nursery. The floor of opening a connection.

    python -m bench.bare_trio PORT

Raw non-blocking sockets, accepts in batches, one nursery with a second task per connection: what
the gateway's shape costs before it reads a header, checks a token or follows an inbox.
"""

from __future__ import annotations

import socket
import sys

import trio

REPLY = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


async def receive(link: socket.socket) -> bytes:
    """Read what has come, or wait for it."""
    while True:
        try:
            return link.recv(65536)
        except BlockingIOError:
            await trio.lowlevel.wait_readable(link)


async def read_loop(link: socket.socket, scope: trio.CancelScope) -> None:
    """Read until the client leaves, then end the connection's nursery."""
    while await receive(link):
        pass
    scope.cancel()


async def serve_connection(link: socket.socket) -> None:
    """Hold one connection: its reader and its writer, which waits for work that never comes."""
    with link:
        head = b""
        while b"\r\n\r\n" not in head:
            part = await receive(link)
            if not part:
                return
            head += part
        link.send(REPLY)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read_loop, link, nursery.cancel_scope)
            nursery.start_soon(trio.Event().wait)


def accept_batch(door: socket.socket, most: int = 64) -> list[socket.socket]:
    """Accept all that wait, at most 64 in one go."""
    links = []
    try:
        for _ in range(most):
            link, _ = door.accept()
            link.setblocking(False)
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            links.append(link)
    except BlockingIOError:
        pass
    return links


async def serve(port: int) -> None:
    """Serve until killed."""
    with socket.create_server(("127.0.0.1", port), backlog=4096) as door:
        door.setblocking(False)
        async with trio.open_nursery() as nursery:
            while True:
                await trio.lowlevel.wait_readable(door)
                for link in accept_batch(door):
                    nursery.start_soon(serve_connection, link)


if __name__ == "__main__":
    trio.run(serve, int(sys.argv[1]))
