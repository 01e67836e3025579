"""The upgrade request is judged and answered here (RFC 6455 §4.2).

Not by wsproto: it ends in an exception at some headers that can't be decoded, takes a short key and
HTTP/9.9, and looks only at the last of two Connection headers. What is accepted here is stricter than
what it takes (but for the Host, which it decodes as IDNA); a property test holds that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import attrs
from wsproto.utilities import generate_accept_token

from trio_gateway.wire.refusal import RequestRefused
from trio_gateway.wire.request import HttpRequest, Request

# 16 bytes in base64. The last digit's spare bits may be set: the RFC's own example has them set.
_KEY = re.compile(r"[A-Za-z0-9+/]{22}==")
_TOKEN = re.compile(r"[-!#$%&'*+.^_`|~0-9a-zA-Z]+")

_ACCEPT: Final = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n%b\r\n"


@attrs.frozen
class UpgradeRequest(Request):
    """Carry one accepted upgrade request; `key` is what the response must answer."""

    key: str = attrs.field(repr=False)


def asks_for_websocket(request: HttpRequest) -> bool:
    """Tell whether a request wants to be a WebSocket, well-formed or not."""
    return request.headers.get("upgrade", "").lower() == "websocket"


def read_upgrade(request: HttpRequest) -> UpgradeRequest:
    """Judge a request that shall become a WebSocket.

    Raises RequestRefused: 405, 426 or 505 for a well-formed request that is no WebSocket upgrade of
    version 13, 400 for everything else.
    """
    if request.version != b"1.1":
        raise RequestRefused(505, "HTTP/1.1 only")
    if request.method != "GET":
        raise RequestRefused(405, "GET only", headers=(("Allow", "GET"),))
    _check_no_body(request.headers)
    _check_handshake(request)
    return UpgradeRequest(
        path=request.path,
        query=request.read_query(),
        headers=request.headers,
        host=request.host,
        origin=request.origin,
        subprotocols=_read_subprotocols(request.headers.get("sec-websocket-protocol", "")),
        key=request.headers["sec-websocket-key"],
    )


def accept_response(key: str, subprotocol: str | None) -> bytes:
    """Write the whole HTTP/1.1 response that accepts an upgrade (RFC 6455 §4.2.2)."""
    chosen = b"Sec-WebSocket-Protocol: %b\r\n" % subprotocol.encode("ascii") if subprotocol else b""
    return _ACCEPT % (generate_accept_token(key.encode("ascii")), chosen)


def _check_no_body(headers: Mapping[str, str]) -> None:
    if "transfer-encoding" in headers or headers.get("content-length", "0").strip("0"):
        raise RequestRefused(400, "an upgrade request has no body")


def _check_handshake(request: HttpRequest) -> None:
    headers = request.headers
    if not asks_for_websocket(request):
        raise RequestRefused(426, "this is a WebSocket endpoint", headers=(("Upgrade", "websocket"),))
    options = headers.get("connection", "").lower().split(",")
    if "upgrade" not in [option.strip() for option in options]:
        raise RequestRefused(400, "the header Connection does not name Upgrade")
    if headers.get("sec-websocket-version") != "13":
        version = (("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"))
        raise RequestRefused(426, "the header Sec-WebSocket-Version is not 13", headers=version)
    if not _KEY.fullmatch(headers.get("sec-websocket-key", "")):
        raise RequestRefused(400, "the header Sec-WebSocket-Key is not 16 bytes in base64")


def _read_subprotocols(header: str) -> tuple[str, ...]:
    names = tuple(name for piece in header.split(",") if (name := piece.strip()))
    if not all(map(_TOKEN.fullmatch, names)):
        raise RequestRefused(400, "the header Sec-WebSocket-Protocol is malformed")
    return names
