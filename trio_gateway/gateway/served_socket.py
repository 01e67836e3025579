"""One accepted socket: request after request is answered, until one opens a client's connection, which ends with it.

An upgrade pays one look-up for sharing the port.
"""

from __future__ import annotations

import socket as stdlib_socket

import trio

from trio_gateway.gateway.connection import Connection
from trio_gateway.gateway.http.body import read_body
from trio_gateway.gateway.http.endpoints import Endpoint
from trio_gateway.gateway.http.exchange import Application, Exchange
from trio_gateway.gateway.nodes.node import Node
from trio_gateway.gateway.opening.opening import judge, refuse
from trio_gateway.gateway.transport.linger import linger
from trio_gateway.gateway.transport.socket import ClientSocket
from trio_gateway.gateway.transports import make_transport
from trio_gateway.hub.woken import Woken
from trio_gateway.model.errors import BrokerUnavailable, MethodNotFound, RequestError
from trio_gateway.model.logger import get_logger
from trio_gateway.wire.cors import is_preflight
from trio_gateway.wire.forwarded import client_address
from trio_gateway.wire.refusal import RequestRefused, refusal_of, unavailable
from trio_gateway.wire.request import HeadReader, HttpRequest, parse_request
from trio_gateway.wire.upgrade import asks_for_websocket

KEEP_ALIVE_SECONDS = 75.0
"""Between two requests on one socket, as with nginx: browsers and proxies keep theirs for about a minute."""

ESCAPED = 3
"""A message that is posted as text in JSON may be so much longer than its frame: two bytes of UTF-8 may become six."""

ENVELOPE = 1024
"""Bytes of a post around its message: the names, a session and a node."""

log = get_logger(__name__)


async def serve_socket(node: Node, application: Application, sock: stdlib_socket.socket, peer: str) -> None:
    """Serve one accepted TCP connection to its end; raises nothing but Cancelled."""
    scope = trio.CancelScope(deadline=trio.current_time() + node.settings.handshake_seconds)
    node.openings[scope] = None
    woken = Woken()
    socket = ClientSocket(sock, write_seconds=node.settings.write_seconds, wake=woken.set)
    try:
        with scope:
            await ServedSocket(node, application, socket, peer, woken=woken, scope=scope).serve()
    except* (OSError, EOFError, trio.ClosedResourceError):
        log.debug("connection lost while opening", address=peer)
    except* Exception as group:
        log.error("connection failed", address=peer, exc_info=group)
    finally:
        if socket.half_written:
            socket.abort()  # the system would go on sending half a frame to somebody who does not read
        socket.close()
        node.openings.pop(scope, None)


class ServedSocket:
    """Serve one accepted socket, from the address `peer`, request after request; `scope` is what ends it."""

    def __init__(
        self,
        node: Node,
        application: Application,
        socket: ClientSocket,
        peer: str,
        *,
        woken: Woken,
        scope: trio.CancelScope,
    ) -> None:
        self._node = node
        self._application = application
        self._socket = socket
        self._peer = peer
        self._woken = woken
        self._scope = scope

    async def serve(self) -> None:
        """Serve request after request; raises what the socket raises, and EOFError where it ends inside a request."""
        rest: bytes | None = b""
        while rest is not None:
            self._scope.deadline = trio.current_time() + self._node.settings.handshake_seconds
            rest = await self._serve_one(rest)
            await trio.lowlevel.checkpoint()  # requests that came together are answered turn by turn

    async def _serve_one(self, rest: bytes) -> bytes | None:
        """Serve a request that begins with `rest`; answers the start of the next one, None where there will be none."""
        request = endpoint = None
        try:
            request = await self._read_request(rest)
            endpoint = self._endpoint_of(request)
            if endpoint is None:
                return await self._answer(request)
            opened = await judge(self._node, self._socket, endpoint, request, self._peer)
        except RequestRefused as refused:
            await refuse(self._node, self._socket, refused, endpoint, request)
            return None
        self._node.admitted += 1  # without a checkpoint since it was judged that there is room
        transport = make_transport(self._node, self._socket, opened)
        connection = Connection(self._node, self._socket, transport, opened, woken=self._woken, scope=self._scope)
        try:
            await connection.accept()
        except BrokerUnavailable as error:
            await refuse(self._node, self._socket, unavailable(error), endpoint, request)
        except RequestError as error:
            await refuse(self._node, self._socket, refusal_of(error), endpoint, request)
        else:
            await connection.run()
        finally:
            connection.end()
            self._node.admitted -= 1
        return None

    async def _read_request(self, rest: bytes) -> HttpRequest:
        """Read a request's head and what came behind it; raises RequestRefused, EOFError where the peer ends first."""
        reader = HeadReader()
        head = reader.receive(rest)
        while head is None:
            data = await self._socket.receive()
            if not data:
                raise EOFError("the peer ended before its request was whole")
            head = reader.receive(data)
        return parse_request(head, reader.rest)

    def _endpoint_of(self, request: HttpRequest) -> Endpoint | None:
        """Find the endpoint that a request asks for; None for what the application answers."""
        endpoint = self._node.endpoints.get(request.path)
        if endpoint is None and asks_for_websocket(request):
            paths = " or ".join(path for path, one in self._node.endpoints.items() if not one.stream)
            raise RequestRefused(404, f"the WebSocket endpoint is {paths}", error=MethodNotFound.error_code)
        return None if is_preflight(request.method, request.headers) else endpoint

    async def _answer(self, request: HttpRequest) -> bytes | None:
        """Have the application answer a request, and wait for the next one."""
        body = await read_body(self._socket, request, ESCAPED * self._node.settings.max_frame_size + ENVELOPE)
        address = client_address(self._peer, request.headers.get("x-forwarded-for"), self._node.trusted_proxies)
        exchange = Exchange(self._socket, request, body, client=address, last=self._node.draining or self._node.crowded)
        behind = await exchange.run(self._application)
        if behind is None or self._node.draining:  # it may have begun meanwhile, and waits for every socket
            await linger(self._socket)
            return None
        return behind or await self._wait_for_next()

    async def _wait_for_next(self) -> bytes | None:
        """Wait for the next request's first bytes; None where the peer ends."""
        self._scope.deadline = trio.current_time() + KEEP_ALIVE_SECONDS
        return await self._socket.receive() or None
