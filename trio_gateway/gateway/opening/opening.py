"""The opening: a request at an endpoint is judged, and becomes a connection of a client, or is refused."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from trio_gateway.gateway.http.body import read_body
from trio_gateway.gateway.http.endpoints import Endpoint
from trio_gateway.gateway.nodes.node import Node
from trio_gateway.gateway.opening.identifying import identify_plain, nobody, refused_at_once
from trio_gateway.gateway.transport.linger import linger
from trio_gateway.gateway.transport.socket import ClientSocket
from trio_gateway.gateway.transport.stream import stream_head
from trio_gateway.hooks.asking import call
from trio_gateway.model.codes import INTERNAL_ERROR, INTERNAL_SERVER_ERROR
from trio_gateway.model.commands import Break, Command
from trio_gateway.model.errors import (
    BadRequest,
    BrokerUnavailable,
    Disconnected,
    LimitExceeded,
    PermissionDenied,
    RequestError,
    Unauthorized,
)
from trio_gateway.model.logger import get_logger
from trio_gateway.model.replies import Error, Goodbye
from trio_gateway.model.user import User
from trio_gateway.session.client import Client
from trio_gateway.session.connecting import Admission
from trio_gateway.session.opening import Opening, read_connect, read_sdk_opening
from trio_gateway.wire.cors import cors_headers
from trio_gateway.wire.forwarded import client_address
from trio_gateway.wire.origin import origin_allowed
from trio_gateway.wire.refusal import RequestRefused, refusal_of, refusal_response, unavailable
from trio_gateway.wire.request import HttpRequest, Request
from trio_gateway.wire.upgrade import read_upgrade

BINARY = "application/octet-stream"
"""What SDKs say of a body in Protobuf; of JSON they say anything, or nothing."""

log = get_logger(__name__)


@attrs.frozen(kw_only=True)
class Opened:
    """Carry an accepted opening.

    `request` is an UpgradeRequest where it becomes a WebSocket; `rest` came behind it, and `commands`
    are those that it carried itself. `client` is whose connection it becomes, as nobody yet.
    `plain` is what a client of the plain protocol asks for, and `admission` who that is; both
    are None where a connect command tells. `user` is whom the application found it to be, None where
    it was not asked. `json_ping` asks for pings in the protocol, and `unspoken` tells that the client
    will speak another one than this server.
    """

    endpoint: Endpoint
    request: Request
    rest: bytes
    client: Client
    commands: Sequence[Command | Error] = ()
    subprotocol: str | None = None
    json_ping: bool = True
    plain: Opening | None = None
    admission: Admission | None = None
    user: User | None = None
    unspoken: bool = False


async def judge(node: Node, socket: ClientSocket, endpoint: Endpoint, http: HttpRequest, peer: str) -> Opened:
    """Decide whether a request at an endpoint opens a connection, and whose.

    Raises RequestRefused with everything its response says, and what reading a body raises.
    """
    address = client_address(peer, http.headers.get("x-forwarded-for"), node.trusted_proxies)
    request = _read(endpoint, http)
    try:
        check_origin(node, http, address)
        commands = await _read_commands(node, socket, endpoint, http, request)
        client = nobody(node, request, address, endpoint.codec.name, endpoint.transport)
        received = Opened(endpoint=endpoint, request=request, rest=http.rest, client=client, commands=commands)
        opened = await (_open_plain if endpoint.plain else _open_centrifugo)(node, received)
        if node.full:
            raise LimitExceeded  # noqa: TRY301 (refused like all the others)
    except RequestError as error:
        if isinstance(error, Unauthorized):
            log.info("unauthorized", address=address, reason=str(error))
        raise refusal_of(error) from error
    except Disconnected as kept_out:
        raise refusal_of(refused_at_once(kept_out)) from kept_out
    except BrokerUnavailable as error:
        raise unavailable(error) from error
    except (RequestRefused, OSError, EOFError):
        raise
    except Exception as error:  # the application's own authentication may break with anything
        log.exception("authentication failed", address=address)
        raise RequestRefused(500, error=INTERNAL_ERROR) from error
    return opened


def _read(endpoint: Endpoint, http: HttpRequest) -> Request:
    """Read what a request asks for; raises RequestRefused."""
    if not endpoint.stream:
        return read_upgrade(http)
    if http.method not in endpoint.methods:
        allowed = ", ".join(endpoint.methods)
        raise RequestRefused(405, f"{allowed} only", headers=(("Allow", allowed),))
    return http.read()


def check_origin(node: Node, http: HttpRequest, address: str) -> None:
    """Raise PermissionDenied where a page of that origin may not speak to this node."""
    if not _may_speak(node, http):
        log.info("origin not allowed", address=address, origin=http.origin, host=http.host)
        raise PermissionDenied


async def _read_commands(
    node: Node, socket: ClientSocket, endpoint: Endpoint, http: HttpRequest, request: Request
) -> Sequence[Command | Error]:
    """Read the commands that a request carries; none where clients of this endpoint speak later, or not at all.

    Raises BadRequest, with the reason, for what the protocol can't read, and what reading a body raises.
    """
    if endpoint.plain:
        return ()
    if http.method == "POST":
        if http.headers.get("content-type", "").startswith(BINARY):
            raise RequestRefused(415, "the protocol is spoken in JSON here, not in its binary form (Protobuf)")
        return _decode(endpoint, await read_body(socket, http, node.settings.max_frame_size))
    text = read_connect(request, otherwise=b"{}" if endpoint.stream and endpoint.one_way else None)
    if text is not None:
        return _decode(endpoint, text)
    if endpoint.stream:
        raise BadRequest("the parameter cf_connect is missing: the command to connect")
    return ()


def _decode(endpoint: Endpoint, text: bytes) -> Sequence[Command | Error]:
    try:
        text.decode()
    except UnicodeDecodeError:
        raise BadRequest("what was sent is not UTF-8") from None
    commands = endpoint.codec.decode(text)
    for command in commands:
        if isinstance(command, Break):
            raise BadRequest(command.detail)
    return commands


async def _open_plain(node: Node, received: Opened) -> Opened:
    """Find out who asks for what; raises as `identify_plain` does."""
    opening, admission = await identify_plain(node, received.request, received.client)
    return attrs.evolve(
        received,
        subprotocol=opening.subprotocol,
        json_ping=opening.json_ping,
        plain=opening,
        admission=admission,
    )


async def _open_centrifugo(node: Node, received: Opened) -> Opened:
    """Let a client in that says by a command who it is; raises what the application's own authentication does."""
    request = received.request
    opening = read_sdk_opening(request)
    user = None if node.hooks.authenticate is None else await call(node.hooks.authenticate, request)
    return attrs.evolve(
        received,
        subprotocol=opening.subprotocol,
        json_ping=opening.json_ping or bool(received.endpoint.stream),  # only WebSockets have pings of their own
        user=user,
        unspoken=opening.unspoken,
    )


async def refuse(
    node: Node, socket: ClientSocket, refused: RequestRefused, endpoint: Endpoint | None, request: HttpRequest | None
) -> None:
    """Answer a request that is refused, and end the link so that the answer arrives.

    `endpoint` is what it asked for, None for none; `request` is None where its head could not be read.
    """
    headers = cors_headers(request.origin) if request is not None and _may_speak(node, request) else ()
    if endpoint is not None and request is not None and _gives_up(endpoint, request, refused):
        milliseconds = 1000 * int(dict(refused.headers)["Retry-After"])
        goodbye = Goodbye(INTERNAL_SERVER_ERROR.code, refused.message, milliseconds)
        await socket.send(stream_head(endpoint.stream, headers) + endpoint.codec.encode(goodbye))
    else:
        bare = request is not None and request.method == "HEAD"
        await socket.send(refusal_response(refused, headers, bare=bare))
    await linger(socket)


def _may_speak(node: Node, request: HttpRequest) -> bool:
    return origin_allowed(request.origin, request.host, node.settings.allowed_origins)


def _gives_up(endpoint: Endpoint, request: HttpRequest, refused: RequestRefused) -> bool:
    """Tell whether a browser would never come back after a refusal that is for now only.

    An EventSource does so only after a stream, however short (HTML §9.2.3).
    """
    listens = bool(endpoint.stream) and endpoint.stream in request.headers.get("accept", "") and endpoint.one_way
    return listens and "Retry-After" in dict(refused.headers)
