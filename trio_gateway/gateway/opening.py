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
from trio_gateway.model.user import User
from trio_gateway.session.opening import Opening, identify, read_opening
from trio_gateway.wire.codec import Codec
from trio_gateway.wire.forwarded import client_address
from trio_gateway.wire.origin import origin_allowed
from trio_gateway.wire.plain import PlainCodec
from trio_gateway.wire.refusal import UpgradeRefused, refusal_of, refusal_response
from trio_gateway.wire.upgrade import HeadReader, UpgradeRequest, parse_upgrade

CODECS: dict[str, Codec] = {"/ws": PlainCodec()}
"""The wire protocol of each path."""

LINGER_SECONDS = 1.0
LINGER_BYTES = 256 * 1024
"""How long and how much is read after our last byte: closing with bytes unread would reset the link,
and the reset would overtake what was written."""

log = get_logger(__name__)


@attrs.frozen
class Opened:
    """Carry an accepted opening: the client's handshake key, what it sent after its request, and who it is."""

    key: str
    rest: bytes
    codec: Codec
    opening: Opening
    user: User
    address: str


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
    codec = CODECS.get(request.path)
    if codec is None:
        raise UpgradeRefused(404, "the WebSocket endpoint is /ws", error=MethodNotFound.error_code)
    address = client_address(peer, request.headers.get("x-forwarded-for"), node.trusted_proxies)
    try:
        opening, user = await _admit(node, request, address)
    except RequestError as error:
        if isinstance(error, Unauthorized):
            log.info("unauthorized", address=address, reason=str(error))
        raise refusal_of(error) from error
    except Exception as error:  # the application's own authentication may break with anything
        log.exception("authentication failed", address=address)
        raise UpgradeRefused(500, error=INTERNAL_ERROR) from error
    return Opened(request.key, rest, codec, opening, user, address)


async def _admit(node: Node, request: UpgradeRequest, address: str) -> tuple[Opening, User]:
    """Find out who asks for what; raises the RequestError that refuses it."""
    if not origin_allowed(request.origin, request.host, node.settings.allowed_origins):
        log.info("origin not allowed", address=address, origin=request.origin, host=request.host)
        raise PermissionDenied
    opening = read_opening(request)
    user = await _identify(node, request, opening)
    if node.full:
        raise LimitExceeded
    return opening, user


async def _identify(node: Node, request: UpgradeRequest, opening: Opening) -> User:
    if node.hooks.authenticate is not None:
        return await node.hooks.authenticate(request)
    return identify(opening, node.settings.token_secret, insecure=node.settings.insecure)


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
