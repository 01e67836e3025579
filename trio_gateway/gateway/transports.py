"""Which transport carries an accepted opening, and what it pings with."""

from __future__ import annotations

from trio_gateway.gateway.nodes.node import Node
from trio_gateway.gateway.opening.opening import Opened
from trio_gateway.gateway.transport.socket import ClientSocket
from trio_gateway.gateway.transport.stream import StreamTransport, stream_head
from trio_gateway.gateway.transport.transport import Transport
from trio_gateway.gateway.transport.websocket import WebSocketTransport
from trio_gateway.model.replies import Ping
from trio_gateway.wire.cors import cors_headers
from trio_gateway.wire.frames import PING_FRAME
from trio_gateway.wire.framing import COMMENT
from trio_gateway.wire.upgrade import UpgradeRequest


def make_transport(node: Node, socket: ClientSocket, opened: Opened) -> Transport:
    """Make the transport that carries a client's connection over its socket."""
    request = opened.request
    if isinstance(request, UpgradeRequest):
        return _make_websocket(node, socket, opened, request)
    endpoint, settings = opened.endpoint, node.settings
    return StreamTransport(
        socket,
        stream_head(endpoint.stream, cors_headers(request.origin)),
        ping=endpoint.codec.encode(Ping()) if opened.json_ping else COMMENT,
        streams=None if endpoint.one_way else node.streams,
        unanswered_seconds=settings.ping_seconds + settings.pong_seconds,
    )


def _make_websocket(node: Node, socket: ClientSocket, opened: Opened, request: UpgradeRequest) -> WebSocketTransport:
    endpoint = opened.endpoint
    ping = endpoint.codec.encode(Ping()) if opened.json_ping else PING_FRAME
    return WebSocketTransport(
        socket,
        request,
        opened.rest,
        max_frame_size=node.settings.max_frame_size,
        # Who goes one way answers no ping of the protocol, but every WebSocket answers its own (protocol §12).
        ping=ping + PING_FRAME if endpoint.one_way else ping,
        subprotocol=opened.subprotocol,
        binary_is_another_protocol=not endpoint.plain,
        # The one message of who goes one way may have come in the request.
        max_messages=1 - len(opened.commands) if endpoint.one_way else None,
    )
