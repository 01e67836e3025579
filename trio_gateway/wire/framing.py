"""A framing is how one message of a wire protocol travels: as a WebSocket frame, an event of a stream, or a line of one.

Server frames are unmasked and streams end with their connection, without chunks (RFC 9112 §6.3), so the
same bytes serve every client of one codec.
"""

from __future__ import annotations

from collections.abc import Callable

Framing = Callable[[bytes], bytes]
"""Wrap one message, JSON text in UTF-8, as the bytes that a client reads as one message."""

LastFraming = Callable[[bytes, int | None], bytes]
"""Wrap the last message of a stream, and in how many milliseconds its client may come back; None is for never."""

_LINE_BREAKS = bytes.maketrans(b"\r\n", b"  ")

COMMENT = b":\n\n"
"""What an event stream says where it has nothing to say: it keeps proxies from ending it (HTML §9.2.7)."""

AWAY_MS = 24 * 60 * 60 * 1000
"""A day: a browser comes back to a stream that ended, and there is no word by which it would not (HTML §9.2.3)."""


def event(text: bytes) -> bytes:
    """Wrap a message as an event of a `text/event-stream` (HTML §9.2.6)."""
    return b"data: %b\n\n" % in_one_line(text)


def last_event(text: bytes, reconnect_ms: int | None) -> bytes:
    """Wrap the message that ends an event stream, and say when to come back; None is for never."""
    return b"data: %b\nretry: %d\n\n" % (in_one_line(text), AWAY_MS if reconnect_ms is None else reconnect_ms)


def line(text: bytes) -> bytes:
    """Wrap a message as one line."""
    return in_one_line(text) + b"\n"


def in_one_line(text: bytes) -> bytes:
    """Replace line breaks, which stand in JSON text between values only (RFC 8259 §2, §7)."""
    return text.translate(_LINE_BREAKS) if b"\n" in text or b"\r" in text else text
