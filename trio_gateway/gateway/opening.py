"""The opening: a request head is read and judged; one that is refused gets one HTTP response from here."""

from __future__ import annotations

import attrs
import trio

from trio_gateway.gateway.node import Node
from trio_gateway.gateway.socket import ClientSocket
from trio_gateway.model.codes import INTERNAL_ERROR
from trio_gateway.model.errors import (
    BrokerUnavailable,
    LimitExceeded,
    MethodNotFound,
    PermissionDenied,
    RequestError,
    Unauthorized,
)
from trio_gateway.model.logger import get_logger
from trio_gateway.model.paths import PLAIN_PATH
from trio_gateway.model.user import User
from trio_gateway.session.connecting import Admission
from trio_gateway.session.opening import Opening, identify, read_opening, read_sdk_opening
from trio_gateway.wire.codec import Codec
from trio_gateway.wire.forwarded import client_address
from trio_gateway.wire.origin import origin_allowed
from trio_gateway.wire.refusal import UpgradeRefused, refusal_of, refusal_response
from trio_gateway.wire.upgrade import HeadReader, UpgradeRequest, parse_upgrade

LINGER_SECONDS = 1.0
LINGER_BYTES = 256 * 1024
"""How long and how much is read after our last byte: closing with bytes unread would reset the link,
and the reset would overtake what was written."""

log = get_logger(__name__)


@attrs.frozen(kw_only=True)
class Opened:
    """Carry an accepted opening: how the upgrade is answered, and what the client sent after its request.

    `address` is the client's, as the first trusted proxy saw it. `plain` is what a client of the plain
    protocol asks for, and `admission` who that is; both are None where a connect command tells.
    `user` is whom the application found it to be, None where it was not asked. `json_ping` asks for
    pings in the protocol, and `unspoken` tells that the client will speak another one than this server.
    """

    key: str
    rest: bytes
    codec: Codec
    address: str
    subprotocol: str | None = None
    json_ping: bool = True
    plain: Opening | None = None
    admission: Admission | None = None
    user: User | None = None
    unspoken: bool = False


async def read_head(socket: ClientSocket) -> tuple[bytes, bytes]:
    """Read one request head and what came after it.

    Raises UpgradeRefused when it is too long, EOFError when the peer ends first.
    """
    reader = HeadReader()
    while True:
        data = await socket.receive()
        if not data:
            raise EOFError("the peer ended before its request was whole")
        head = reader.receive(data)
        if head is not None:
            return head, reader.rest


async def judge(node: Node, head: bytes, rest: bytes, peer: str) -> Opened:
    """Decide whether a request head becomes a WebSocket, and whose.

    Raises UpgradeRefused with everything its response says.
    """
    request = parse_upgrade(head)
    codec = node.codecs.get(request.path)
    if codec is None:
        paths = " or ".join(node.codecs)
        raise UpgradeRefused(404, f"the WebSocket endpoint is {paths}", error=MethodNotFound.error_code)
    address = client_address(peer, request.headers.get("x-forwarded-for"), node.trusted_proxies)
    try:
        _check_origin(node, request, address)
        open_by = _open_plain if request.path == PLAIN_PATH else _open_centrifugo
        received = Opened(key=request.key, rest=rest, codec=codec, address=address)
        opened = await open_by(node, request, received)
        if node.full:
            raise LimitExceeded  # noqa: TRY301 (refused like all the others)
    except RequestError as error:
        if isinstance(error, Unauthorized):
            log.info("unauthorized", address=address, reason=str(error))
        raise refusal_of(error) from error
    except BrokerUnavailable as error:
        raise store_away(error) from error
    except Exception as error:  # the application's own authentication may break with anything
        log.exception("authentication failed", address=address)
        raise UpgradeRefused(500, error=INTERNAL_ERROR) from error
    return opened


def _check_origin(node: Node, request: UpgradeRequest, address: str) -> None:
    if not origin_allowed(request.origin, request.host, node.settings.allowed_origins):
        log.info("origin not allowed", address=address, origin=request.origin, host=request.host)
        raise PermissionDenied


async def _open_plain(node: Node, request: UpgradeRequest, received: Opened) -> Opened:
    """Find out who asks for what; raises the RequestError that refuses it."""
    opening = read_opening(request)
    if node.hooks.authenticate is not None:
        admission = Admission(user=await node.hooks.authenticate(request), device=opening.device or "")
    else:
        admission = await node.keys.check(lambda: identify(opening, node.verifier, insecure=node.settings.insecure))
    if not admission.user.id:
        raise Unauthorized("nobody has an inbox: a user is needed here")
    return attrs.evolve(
        received,
        subprotocol=opening.subprotocol,
        json_ping=opening.json_ping,
        plain=opening,
        admission=admission,
    )


async def _open_centrifugo(node: Node, request: UpgradeRequest, received: Opened) -> Opened:
    """Let a client in that says by a command who it is; raises what the application's own authentication does."""
    opening = read_sdk_opening(request)
    user = None if node.hooks.authenticate is None else await node.hooks.authenticate(request)
    return attrs.evolve(
        received,
        subprotocol=opening.subprotocol,
        json_ping=opening.json_ping,
        user=user,
        unspoken=opening.unspoken,
    )


def store_away(error: BrokerUnavailable) -> UpgradeRefused:
    """Refuse an upgrade because the store did not answer: the client may come back soon."""
    return UpgradeRefused(503, error=error.error_code, headers=(("Retry-After", "1"),))


async def refuse(socket: ClientSocket, refused: UpgradeRefused) -> None:
    """Answer a request that does not become a WebSocket, and end the link so that the answer arrives."""
    await socket.send(refusal_response(refused))
    await linger(socket)


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
