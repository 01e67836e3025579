"""WebSocket frames as bytes (RFC 6455 §5): what the server writes is unmasked, what it reads is masked."""

from __future__ import annotations

from enum import IntEnum
from struct import Struct


class Opcode(IntEnum):
    """Name the kinds of frames (RFC 6455 §5.2)."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


FIN = 0x80
"""In a frame's first byte: this is the last frame of its message."""

MAX_SHORT_LENGTH = 125
"""The longest payload (bytes) whose length fits in a frame's second byte, and the longest of a control frame."""

_LENGTH_IN_2_BYTES = 126
_LENGTH_IN_8_BYTES = 127
_MEDIUM_HEADER = Struct("!BBH")
_LONG_HEADER = Struct("!BBQ")


def _text_header(length: int) -> bytes:
    if length <= MAX_SHORT_LENGTH:
        return bytes((FIN | Opcode.TEXT, length))
    if length <= 0xFFFF:
        return _MEDIUM_HEADER.pack(FIN | Opcode.TEXT, _LENGTH_IN_2_BYTES, length)
    return _LONG_HEADER.pack(FIN | Opcode.TEXT, _LENGTH_IN_8_BYTES, length)


_READY_MADE = 1024
_TEXT_HEADERS = tuple(map(_text_header, range(_READY_MADE)))
"""Nearly all text frames are so short, and to pack a header takes as long as all else that is done for a frame."""

PING_FRAME = bytes((FIN | Opcode.PING, 0))
"""A Ping without payload, the same for every client."""


def pong_frame(payload: bytes) -> bytes:
    """Write the Pong that answers a Ping with this payload, at most 125 bytes (RFC 6455 §5.5.3)."""
    return bytes((FIN | Opcode.PONG, len(payload))) + payload


def text_frame(payload: bytes) -> bytes:
    """Wrap a text message (UTF-8) as one whole server frame."""
    length = len(payload)
    return (_TEXT_HEADERS[length] if length < _READY_MADE else _text_header(length)) + payload


# One XOR of two large integers is the fastest way for short payloads (50 bytes: 0.7 µs against 1.4),
# four translations of every fourth byte for long ones (60 KB: 90 µs against 205); they meet at 1 KB.
_LONG_PAYLOAD = 1024
_XOR_TABLES = tuple(bytes(byte ^ key for byte in range(256)) for key in range(256))


def unmask(payload: bytes, key: bytes) -> bytes:
    """Apply the 4-byte masking key to a payload (RFC 6455 §5.3); applied twice, it gives the payload back."""
    length = len(payload)
    if length < _LONG_PAYLOAD:
        mask = (key * ((length >> 2) + 1))[:length]
        return (int.from_bytes(payload, "little") ^ int.from_bytes(mask, "little")).to_bytes(length, "little")
    unmasked = bytearray(payload)
    for place in range(4):
        unmasked[place::4] = unmasked[place::4].translate(_XOR_TABLES[key[place]])
    return bytes(unmasked)
