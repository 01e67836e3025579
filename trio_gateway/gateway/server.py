"""The client server: accepts in batches, one guarded task per connection.

The accepting nursery sits inside the connections nursery, so that accepting ends first.
"""

from __future__ import annotations

import errno
import socket
from contextlib import suppress

import trio

from trio_gateway.gateway.http.exchange import Application
from trio_gateway.gateway.nodes.node import SPARE_SOCKETS, Node
from trio_gateway.gateway.served_socket import serve_socket
from trio_gateway.gateway.shortage import Shortage

ACCEPTS_PER_TURN = 64
"""Connections taken in one turn of the loop: cheaper than one turn each, and bounded for everybody else."""

OUT_OF_RESOURCES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""What accept() says when the machine is at its limit: wait a moment, as trio.serve_listeners does."""

OUT_OF_RESOURCES_SECONDS = 0.1

GONE_ALREADY = frozenset(
    {
        errno.ECONNABORTED,
        errno.EPROTO,
        errno.EPERM,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ENOPROTOOPT,
        errno.EOPNOTSUPP,
    }
)
"""What accept() says of one connection that is gone, or that a firewall forbids: the next one may be well (accept(2))."""


class ClientServer:
    """Accept clients on one listening socket; the application answers their other requests."""

    def __init__(self, node: Node, listener: socket.socket, application: Application) -> None:
        listener.setblocking(False)
        self._node = node
        self._listener = listener
        self._application = application
        self._accepting = trio.CancelScope()
        self._shortage = Shortage()

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until `stop_accepting` was called and the last connection ended, or until cancelled."""
        async with trio.open_nursery() as heart:
            heart.start_soon(self._node.heartbeat.serve)
            heart.start_soon(self._node.deadlines.serve)
            async with trio.open_nursery() as connections:
                task_status.started()
                with self._accepting:
                    await self._accept(connections)
            heart.cancel_scope.cancel()

    def stop_accepting(self) -> None:
        """Close the listening socket: who comes now is refused by the system and goes elsewhere."""
        self._accepting.cancel()
        trio.lowlevel.notify_closing(self._listener)
        self._listener.close()

    async def _accept(self, connections: trio.Nursery) -> None:
        while True:
            await self._wait_for_clients()
            if self._accepting.cancel_called:
                return  # somebody arrived in the turn in which the socket was closed: it goes elsewhere
            try:
                self._accept_batch(connections)
            except OSError as error:
                if error.errno not in OUT_OF_RESOURCES:
                    raise
                self._shortage.meet(error)
                await trio.sleep(OUT_OF_RESOURCES_SECONDS)

    async def _wait_for_clients(self) -> None:
        if self._shortage.lasts:
            with trio.move_on_at(self._shortage.ends_at) as calm:
                await trio.lowlevel.wait_readable(self._listener)
            if not calm.cancelled_caught:
                return
            self._shortage.end()
        await trio.lowlevel.wait_readable(self._listener)

    def _accept_batch(self, connections: trio.Nursery) -> None:
        for _ in range(ACCEPTS_PER_TURN):
            try:
                sock, address = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno not in GONE_ALREADY:
                    raise
                continue
            if self._node.sockets >= self._node.settings.max_connections + SPARE_SOCKETS:
                sock.close()
                continue
            with suppress(OSError):  # a peer that has gone is its own task's to find out
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connections.start_soon(serve_socket, self._node, self._application, sock, str(address[0]))
