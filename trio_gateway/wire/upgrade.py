"""The upgrade request is judged and answered here (RFC 6455 §4.2).

Not by wsproto: it ends in an exception at some headers that can't be decoded, takes a short key and
HTTP/9.9, and looks only at the last of two Connection headers. What is accepted here is stricter than
what it takes (but for the Host, which it decodes as IDNA); a property test holds that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import parse_qsl

import attrs
import h11
from wsproto.utilities import generate_accept_token

from trio_gateway.wire.refusal import UpgradeRefused

MAX_HEAD_SIZE: Final = 16 * 1024
"""Bytes of a request head, blank line included; twice what common servers take for one header line."""

MAX_QUERY_PARAMETERS: Final = 64

_BLANK_LINE = re.compile(rb"\n\r?\n")
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~-]+)(?::[0-9]{1,5})?")
# 16 bytes in base64. The last digit's spare bits may be set: the RFC's own example has them set.
_KEY = re.compile(r"[A-Za-z0-9+/]{22}==")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_TOKEN = re.compile(r"[-!#$%&'*+.^_`|~0-9a-zA-Z]+")

# Headers that decide about an upgrade, here or for a proxy in front: ASCII, and but for the two lists given at most
# once, so that no two readers of one request can take different ones.
_LISTS = frozenset({"sec-websocket-protocol", "sec-websocket-extensions"})
_SINGLE = frozenset(
    {
        "authorization",
        "connection",
        "content-length",
        "host",
        "origin",
        "sec-websocket-key",
        "sec-websocket-version",
        "transfer-encoding",
        "upgrade",
    }
)

_ACCEPT: Final = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n%b\r\n"


@attrs.frozen
class UpgradeRequest:
    """Carry one accepted upgrade request.

    `path` is as sent. `query` is percent-decoded, with all the values of each parameter. Header names
    are in lower case; values of one name are joined by commas. `host` is the Host header, port
    included; `origin` is None where no browser speaks. `subprotocols` are in the client's order.
    """

    path: str
    query: Mapping[str, tuple[str, ...]]
    headers: Mapping[str, str] = attrs.field(repr=False)
    host: str
    origin: str | None
    subprotocols: tuple[str, ...] = attrs.field(repr=False)
    key: str = attrs.field(repr=False)


class HeadReader:
    """Gather a request head from arbitrary cuts.

    Attributes:
        rest: What came after the blank line: frames of a client that did not wait. Read-only.
    """

    __slots__ = ("_buffer", "_max_size", "rest")

    def __init__(self, max_size: int = MAX_HEAD_SIZE) -> None:
        self._max_size = max_size
        self._buffer = bytearray()
        self.rest = b""

    def receive(self, data: bytes) -> bytes | None:
        """Take the next bytes; return the head with its blank line, or None while it is incomplete.

        Raises UpgradeRefused: 431 for a head beyond the maximum size, 400 for what can't become a
        request (a TLS greeting, say), at its first byte.
        """
        searched = max(0, len(self._buffer) - 2)
        self._buffer += data
        if self._buffer and self._buffer[0] <= 0x20:
            raise UpgradeRefused(400, "this is no HTTP request")
        blank_line = _BLANK_LINE.search(self._buffer, searched)
        size = blank_line.end() if blank_line else len(self._buffer)
        if size > self._max_size:
            raise UpgradeRefused(431, f"a request head has at most {self._max_size} bytes")
        if not blank_line:
            return None
        self.rest = bytes(self._buffer[size:])
        return bytes(self._buffer[:size])


def parse_upgrade(head: bytes) -> UpgradeRequest:
    """Judge a whole request head, blank line included.

    Raises UpgradeRefused: 405, 426 or 505 for a well-formed request that is no WebSocket upgrade of
    version 13, 400 for everything else.
    """
    request = _parse_http(head)
    if request.http_version != b"1.1":
        raise UpgradeRefused(505, "HTTP/1.1 only")
    if request.method != b"GET":
        raise UpgradeRefused(405, "GET only", headers=(("Allow", "GET"),))
    headers = _read_headers(request.headers.raw_items())
    _check_no_body(headers)
    _check_handshake(headers)
    path, query = _read_target(request.target.decode("ascii"))
    return UpgradeRequest(
        path=path,
        query=query,
        headers=headers,
        host=_read_host(headers["host"]),
        origin=headers.get("origin"),
        subprotocols=_read_subprotocols(headers.get("sec-websocket-protocol", "")),
        key=headers["sec-websocket-key"],
    )


def accept_response(key: str, subprotocol: str | None) -> bytes:
    """Write the whole HTTP/1.1 response that accepts an upgrade (RFC 6455 §4.2.2)."""
    chosen = b"Sec-WebSocket-Protocol: %b\r\n" % subprotocol.encode("ascii") if subprotocol else b""
    return _ACCEPT % (generate_accept_token(key.encode("ascii")), chosen)


def _parse_http(head: bytes) -> h11.Request:
    # A bare line feed ends a line for some readers and not for others.
    if head.count(b"\n") != head.count(b"\r\n"):
        raise UpgradeRefused(400, "lines end with CR LF")
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=len(head))
    connection.receive_data(head)
    try:
        event = connection.next_event()
    except h11.RemoteProtocolError as error:
        # Behind the colon h11 quotes what it read.
        raise UpgradeRefused(400, str(error).partition(":")[0]) from error
    if not isinstance(event, h11.Request) or connection.trailing_data[0]:
        raise UpgradeRefused(400, "this is no request head")
    return event


def _read_headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name = raw_name.decode("ascii").lower()
        if name in _SINGLE or name in _LISTS:
            if not raw_value.isascii():
                raise UpgradeRefused(400, f"the header {name} is not ASCII")
            if name in headers and name in _SINGLE:
                raise UpgradeRefused(400, f"the header {name} was given more than once")
        # Bytes above ASCII in other headers are opaque (RFC 9110 §5.5); Latin-1 takes them all.
        value = raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _check_no_body(headers: Mapping[str, str]) -> None:
    if "transfer-encoding" in headers or headers.get("content-length", "0").strip("0"):
        raise UpgradeRefused(400, "an upgrade request has no body")


def _check_handshake(headers: Mapping[str, str]) -> None:
    if headers.get("upgrade", "").lower() != "websocket":
        raise UpgradeRefused(426, "this is a WebSocket endpoint", headers=(("Upgrade", "websocket"),))
    options = headers.get("connection", "").lower().split(",")
    if "upgrade" not in [option.strip() for option in options]:
        raise UpgradeRefused(400, "the header Connection does not name Upgrade")
    if headers.get("sec-websocket-version") != "13":
        version = (("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"))
        raise UpgradeRefused(426, "the header Sec-WebSocket-Version is not 13", headers=version)
    if not _KEY.fullmatch(headers.get("sec-websocket-key", "")):
        raise UpgradeRefused(400, "the header Sec-WebSocket-Key is not 16 bytes in base64")


def _read_host(host: str) -> str:
    if not _HOST.fullmatch(host):
        raise UpgradeRefused(400, "the header Host is malformed")
    return host


def _read_target(target: str) -> tuple[str, dict[str, tuple[str, ...]]]:
    path, _, query = target.partition("?")
    if not path.startswith("/") or "#" in target:
        raise UpgradeRefused(400, "the request target is not a path")
    return path, _read_query(query) if query else {}


def _read_query(query: str) -> dict[str, tuple[str, ...]]:
    if _BROKEN_ESCAPE.search(query):
        raise UpgradeRefused(400, "the query has a broken percent escape")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=MAX_QUERY_PARAMETERS)
    except UnicodeDecodeError:
        raise UpgradeRefused(400, "the query is not UTF-8") from None
    except ValueError:
        raise UpgradeRefused(400, f"the query has more than {MAX_QUERY_PARAMETERS} parameters") from None
    values: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        values[name] = (*values.get(name, ()), value)
    return values


def _read_subprotocols(header: str) -> tuple[str, ...]:
    names = tuple(name for piece in header.split(",") if (name := piece.strip()))
    if not all(map(_TOKEN.fullmatch, names)):
        raise UpgradeRefused(400, "the header Sec-WebSocket-Protocol is malformed")
    return names
