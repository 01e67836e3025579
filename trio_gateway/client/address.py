"""Where to connect and as whom: arguments become a host, a path and headers, without I/O."""

from __future__ import annotations

import re
import ssl
from collections.abc import Sequence
from urllib.parse import SplitResult, urlencode, urlsplit

import attrs

from trio_gateway.model.channel import check_channel
from trio_gateway.model.errors import BadRequest
from trio_gateway.model.paths import PLAIN_PATH
from trio_gateway.model.position import EVERYTHING_KEPT, START, Position
from trio_gateway.model.user import check_device, check_user_id

MAX_CHANNEL_BYTES = 65_536
"""No channel name is longer than a frame; the real bound is a setting of the server, which judges it."""

TOKEN_PATTERN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""RFC 6750 §2.1: what a bearer token may hold, so that no token ends the header."""


@attrs.frozen
class Address:
    """Know the server, and what to tell it in the upgrade request."""

    host: str
    port: int
    path: str
    query: tuple[tuple[str, str], ...]
    headers: tuple[tuple[bytes, bytes], ...] = attrs.field(repr=False)
    ssl_context: ssl.SSLContext | None

    @property
    def authority(self) -> str:
        """Write host and port as the `Host` header does."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.ssl_context else 80) else f"{host}:{self.port}"

    def with_token(self, token: str) -> Address:
        """Show another token; raises BadRequest for what is none."""
        return attrs.evolve(self, headers=_headers(token))

    def target(self, since: Position | None) -> str:
        """Write path and query, with the position to start from."""
        start = () if since is None else (("since", EVERYTHING_KEPT if since == START else str(since)),)
        joint = "&" if "?" in self.path else "?"
        # JSON pings, because trio-websocket answers WebSocket pings without telling.
        return f"{self.path}{joint}{urlencode((*self.query, *start, ('ping', 'json')))}"


def make_address(
    url: str, *, user: str | None, token: str | None, device: str | None, ssl_context: ssl.SSLContext | None
) -> Address:
    """Check the arguments of `connect` and make the address; raises BadRequest, which names the wrong one."""
    parts = _split(url)
    secure = parts.scheme == "wss"
    if ssl_context is not None and not secure:
        raise BadRequest("an ssl_context is for wss:// URLs; this one begins with ws://")
    if user is not None and token is not None:
        raise BadRequest("give a user or a token, not both: a token names its user")
    query = _present(user=user and check_user_id(user), device=device if device is None else check_device(device))
    if user == "":
        check_user_id(user)
    context = (ssl_context or ssl.create_default_context()) if secure else None
    assert parts.hostname is not None, "checked by _split"
    port = parts.port if parts.port is not None else (443 if secure else 80)
    return Address(parts.hostname, port, _path(parts), query, _headers(token), context)


def read_since(since: Position | str | None) -> Position | None:
    """Read the argument `since`: a Position, its text, or `0` for everything kept; raises BadRequest."""
    if since is None or isinstance(since, Position):
        return since
    return Position.parse_since(since)


def read_channels(channels: Sequence[str]) -> tuple[str, ...]:
    """Check the argument `channels`, and drop doubles; raises BadRequest."""
    if isinstance(channels, str):
        raise BadRequest(f"channels is a list of names; write channels=[{channels!r}]")
    return tuple(dict.fromkeys(check_channel(channel, max_bytes=MAX_CHANNEL_BYTES) for channel in channels))


def _present(**fields: str | None) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in fields.items() if value)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises ValueError when it is none
    except ValueError as error:
        raise BadRequest(f"the URL can't be read: {error}") from None
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise BadRequest(f"a URL has the form ws://host:port or wss://host, not {url[:80]!r}")
    if "@" in parts.netloc or parts.fragment:
        raise BadRequest("the URL holds neither credentials nor a fragment; pass a token as token=…")
    return parts


def _path(parts: SplitResult) -> str:
    path = PLAIN_PATH if parts.path in ("", "/") else parts.path
    return f"{path}?{parts.query}" if parts.query else path


def _headers(token: str | None) -> tuple[tuple[bytes, bytes], ...]:
    if token is None:
        return ()
    if not TOKEN_PATTERN.fullmatch(token):
        raise BadRequest("a token is a JWT: letters, digits and . _ ~ + / - only")
    return ((b"Authorization", b"Bearer " + token.encode("ascii")),)
