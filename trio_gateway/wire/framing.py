"""A framing is how one message of a wire protocol travels: as a WebSocket frame, an event of a stream, or a line of one.

Server frames are unmasked and streams end with their connection, without chunks (RFC 9112 §6.3), so the
same bytes serve every client of one codec.
"""

from __future__ import annotations

from collections.abc import Callable

Framing = Callable[[bytes], bytes]
"""Wrap one message, JSON text in UTF-8, as the bytes that a client reads as one message."""

_LINE_BREAKS = bytes.maketrans(b"\r\n", b"  ")

COMMENT = b":\n\n"
"""What an event stream says where it has nothing to say: it keeps proxies from ending it (HTML §9.2.7)."""


def event(text: bytes) -> bytes:
    """Wrap a message as an event of a `text/event-stream` (HTML §9.2.6)."""
    return b"data: %b\n\n" % in_one_line(text)


def line(text: bytes) -> bytes:
    """Wrap a message as one line."""
    return in_one_line(text) + b"\n"


def in_one_line(text: bytes) -> bytes:
    """Replace line breaks, which stand in JSON text between values only (RFC 8259 §2, §7)."""
    return text.translate(_LINE_BREAKS) if b"\n" in text or b"\r" in text else text
