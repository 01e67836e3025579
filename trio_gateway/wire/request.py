"""A request head is parsed here, by h11, and what decides about a request is judged for all of them alike.

Headers that readers of one request could take differently are refused, whatever they are for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import parse_qsl

import attrs
import h11

from trio_gateway.wire.refusal import RequestRefused

MAX_HEAD_SIZE: Final = 16 * 1024
"""Bytes of a request head, blank line included; twice what common servers take for one header line."""

MAX_QUERY_PARAMETERS: Final = 64

VERSIONS: Final = (b"1.0", b"1.1")
"""Of HTTP; proxies such as nginx still speak 1.0 where nobody tells them otherwise."""

_JOINED_BY = {"cookie": "; "}
"""What stands between the values of one name; for all others it is a comma (RFC 9110 §5.3, RFC 9113 §8.2.3)."""

_BLANK_LINE = re.compile(rb"\n\r?\n")
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~-]+)(?::[0-9]{1,5})?")
_ABSOLUTE = re.compile(rf"https?://(?P<host>{_HOST.pattern})(?P<path>/[^?#]*)?(?:\?[^#]*)?", re.IGNORECASE)
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")

# Headers that decide, here or for a proxy in front: ASCII, and but for the two lists given at most once, so that no
# two readers of one request can take different ones.
_LISTS = frozenset({"sec-websocket-protocol", "sec-websocket-extensions"})
_SINGLE = frozenset(
    {
        "authorization",
        "connection",
        "content-length",
        "host",
        "last-event-id",
        "origin",
        "sec-websocket-key",
        "sec-websocket-version",
        "transfer-encoding",
        "upgrade",
    }
)


@attrs.frozen
class Request:
    """Carry what a request asks for.

    `path` is as sent. `query` is percent-decoded, with all the values of each parameter. Header names
    are in lower case; values of one name are joined by commas, those of `cookie` by semicolons. `host` is the Host header, port
    included; `origin` is None where no browser speaks. `subprotocols` are those that a WebSocket's client
    offers, in its order.
    """

    path: str
    query: Mapping[str, tuple[str, ...]] = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(repr=False)
    host: str
    origin: str | None
    subprotocols: tuple[str, ...] = attrs.field(repr=False)


@attrs.frozen
class HttpRequest:
    """Carry a parsed request head.

    `target` and `path` are as sent, ASCII. `headers` are as in Request. `rest` is what came behind it.
    `parser` has parsed it, and goes on with the body, and with the response.
    """

    method: str
    target: str = attrs.field(repr=False)
    path: str
    version: bytes
    headers: Mapping[str, str] = attrs.field(repr=False)
    rest: bytes = attrs.field(repr=False)
    parser: h11.Connection = attrs.field(repr=False, eq=False)

    @property
    def origin(self) -> str | None:
        """Give the origin of the page that sends it; None where no browser speaks."""
        return self.headers.get("origin")

    @property
    def host(self) -> str:
        """Give the Host header, port included; empty where a client of HTTP/1.0 sent none."""
        return self.headers.get("host", "")

    def read(self) -> Request:
        """Read the query as well; raises RequestRefused (400) where it is malformed."""
        return Request(self.path, self.read_query(), self.headers, self.host, self.origin, ())

    def read_query(self) -> dict[str, tuple[str, ...]]:
        """Read the query's parameters; raises RequestRefused (400) for what is malformed, or too many."""
        _, _, query = self.target.partition("?")
        return _read_query(query) if query else {}


class HeadReader:
    """Gather a request head from arbitrary cuts.

    Attributes:
        rest: What came after the blank line: frames of a client that did not wait, or a body. Read-only.
    """

    __slots__ = ("_buffer", "_max_size", "rest")

    def __init__(self, max_size: int = MAX_HEAD_SIZE) -> None:
        self._max_size = max_size
        self._buffer = bytearray()
        self.rest = b""

    def receive(self, data: bytes) -> bytes | None:
        """Take the next bytes; return the head with its blank line, or None while it is incomplete.

        Raises RequestRefused: 431 for a head beyond the maximum size, 400 for what can't become a
        request (a TLS greeting, say), at its first byte.
        """
        searched = max(0, len(self._buffer) - 2)
        self._buffer += data
        if self._buffer == b"\r":
            return None
        if self._buffer.startswith(b"\r\n"):  # as old clients send it behind a body (RFC 9112 §2.2)
            del self._buffer[:2]
        if self._buffer and self._buffer[0] <= 0x20:
            raise RequestRefused(400, "this is no HTTP request")
        blank_line = _BLANK_LINE.search(self._buffer, searched)
        size = blank_line.end() if blank_line else len(self._buffer)
        if size > self._max_size:
            raise RequestRefused(431, f"a request head has at most {self._max_size} bytes")
        if not blank_line:
            return None
        self.rest = bytes(self._buffer[size:])
        return bytes(self._buffer[:size])


def parse_request(head: bytes, rest: bytes = b"") -> HttpRequest:
    """Judge a whole request head, blank line included, behind which `rest` came.

    Raises RequestRefused: 505 for another version, 400 for everything else.
    """
    # A bare line feed ends a line for some readers and not for others.
    if head.count(b"\n") != head.count(b"\r\n"):
        raise RequestRefused(400, "lines end with CR LF")
    parser = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_SIZE)
    parser.receive_data(head)
    try:
        event = parser.next_event()
    except h11.RemoteProtocolError as error:
        # Behind the colon h11 quotes what it read.
        raise RequestRefused(400, str(error).partition(":")[0]) from error
    if not isinstance(event, h11.Request) or parser.trailing_data[0]:
        raise RequestRefused(400, "this is no request head")
    if event.http_version not in VERSIONS:
        raise RequestRefused(505, "HTTP/1.1 only")
    headers = _read_headers(event.headers.raw_items())
    _check(headers)
    target = _origin_form(event.target.decode("ascii"), headers)
    return HttpRequest(
        method=event.method.decode("ascii"),
        target=target,
        path=_path_of(target),
        version=event.http_version,
        headers=headers,
        rest=rest,
        parser=parser,
    )


def _read_headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name = raw_name.decode("ascii").lower()
        if name in _SINGLE or name in _LISTS:
            if not raw_value.isascii():
                raise RequestRefused(400, f"the header {name} is not ASCII")
            if name in headers and name in _SINGLE:
                raise RequestRefused(400, f"the header {name} was given more than once")
        # Bytes above ASCII in other headers are opaque (RFC 9110 §5.5); Latin-1 takes them all.
        value = raw_value.decode("latin-1")
        headers[name] = headers[name] + _JOINED_BY.get(name, ", ") + value if name in headers else value
    return headers


def _check(headers: Mapping[str, str]) -> None:
    if "host" in headers and not _HOST.fullmatch(headers["host"]):
        raise RequestRefused(400, "the header Host is malformed")
    # Two readers of these could take the end of the body to be in two places (RFC 9112 §6.1).
    if "content-length" in headers and "transfer-encoding" in headers:
        raise RequestRefused(400, "a body has a length or is chunked, not both")


def _origin_form(target: str, headers: dict[str, str]) -> str:
    """Give the target as other requests have it, where a proxy names the host there, which counts then (RFC 9112 §3.2.2)."""
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None:
        return target
    headers["host"] = absolute["host"]
    return target[absolute.end("host") :] if absolute["path"] else "/" + target[absolute.end("host") :]


def _path_of(target: str) -> str:
    path = target.partition("?")[0]
    if not path.startswith("/") or "#" in target:
        raise RequestRefused(400, "the request target is not a path")
    return path


def _read_query(query: str) -> dict[str, tuple[str, ...]]:
    if _BROKEN_ESCAPE.search(query):
        raise RequestRefused(400, "the query has a broken percent escape")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=MAX_QUERY_PARAMETERS)
    except UnicodeDecodeError:
        raise RequestRefused(400, "the query is not UTF-8") from None
    except ValueError:
        raise RequestRefused(400, f"the query has more than {MAX_QUERY_PARAMETERS} parameters") from None
    values: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        values[name] = (*values.get(name, ()), value)
    return values
