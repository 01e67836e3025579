"""The splitter cuts what a client sends into text messages and control frames, and ends at the first violation.

What can be judged by a frame's header is judged there, before its payload arrives (RFC 6455 §5):

    unmasked; a reserved bit; unknown opcode; control frame too long or fragmented; a length not in   1002
    its shortest form; a continuation of nothing; a new message inside a fragmented one
    binary                                                                                           1003
    message too long, or of too many fragments                                                       1009

and at the end of each frame: text that is not UTF-8 (1007), a Close with a wrong code (1002) or
reason (1007). Everything valid before a violation is delivered; nothing after it, or after a Close.
"""

from __future__ import annotations

import codecs as text_codecs
from typing import Final

import attrs

from trio_gateway.model.codes import (
    INVALID_PAYLOAD,
    MESSAGE_TOO_BIG,
    PROTOCOL_ERROR,
    UNSUPPORTED_DATA,
    DisconnectCode,
)
from trio_gateway.wire.frames import FIN, MAX_SHORT_LENGTH, Opcode, unmask

MAX_FRAGMENTS = 1024
"""No client needs as many: browsers fragment large messages only, into pieces of 4 KB and more."""

_WHOLE_TEXT: Final = FIN | Opcode.TEXT
_MASKED: Final = 0x80
_RESERVED_BITS: Final = 0x70
_OPCODES = {opcode.value: opcode for opcode in Opcode}
_CONTROL: Final = 0x8
_EXTENDED_LENGTH = {126: 2, 127: 8}
_SHORTEST_FORM_FROM = {126: MAX_SHORT_LENGTH + 1, 127: 0x10000}

# RFC 6455 §7.4.1 and the IANA registry, as wsproto takes them; 3000-4999 are free for everybody.
_CLOSE_CODES = frozenset({1000, 1001, 1002, 1003, *range(1007, 1014), *range(3000, 5000)})

_new_utf8_decoder = text_codecs.getincrementaldecoder("utf-8")


@attrs.frozen
class ControlFrame:
    """Carry one valid control frame: its unmasked payload (at most 125 bytes) and its masked bytes as received."""

    opcode: Opcode
    payload: bytes
    raw: bytes


Received = bytes | ControlFrame
"""What a client sent: the UTF-8 of one whole text message, or a control frame."""


class _Violated(Exception):
    def __init__(self, verdict: DisconnectCode) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


class FrameSplitter:
    """Split one client's bytes, fed in arbitrary cuts, into messages and control frames.

    `max_message_size` bounds a message's payload (bytes), summed over its fragments, `max_fragments`
    their number. Kept between two calls: at most one message and one header.

    Attributes:
        violation: The close code a violation asks for; None while there was none. Read-only.
        ended: Whether a violation or a Close frame came; what is fed afterwards is ignored. Read-only.
    """

    __slots__ = (
        "_buffer",
        "_decoder",
        "_fragments",
        "_longest_short_text",
        "_max_fragments",
        "_max_message_size",
        "_needed",
        "_size",
        "ended",
        "violation",
    )

    def __init__(self, max_message_size: int, max_fragments: int = MAX_FRAGMENTS) -> None:
        self.violation: DisconnectCode | None = None
        self.ended = False
        self._max_message_size = max_message_size
        self._max_fragments = max_fragments
        self._longest_short_text = _MASKED + min(MAX_SHORT_LENGTH, max_message_size)
        self._buffer = bytearray()
        self._needed = 0  # the bytes that the buffer must hold before looking at it again makes sense
        self._fragments: list[bytes] = []
        self._size = 0
        self._decoder = _new_utf8_decoder()

    def receive(self, data: bytes) -> list[Received]:
        """Take the next bytes from the client; return what is complete now, in order.

        The caller looks at `violation` afterwards: what was valid before it is in the answer.
        """
        received: list[Received] = []
        if self.ended:
            return received
        if self._buffer:
            self._buffer += data
            if len(self._buffer) < self._needed:
                return received
            data = bytes(self._buffer)
            self._buffer.clear()
        try:
            self._buffer += data[self._split(data, received) :]
        except _Violated as violated:
            self._end(violated.verdict)
        except UnicodeDecodeError:
            self._end(INVALID_PAYLOAD)
        return received

    def _split(self, data: bytes, received: list[Received]) -> int:
        """Take every complete frame; return where the first incomplete one begins."""
        position = 0
        while True:
            if not self._fragments:
                position = self._take_short_texts(data, position, received)
            following = self._take_frame(data, position, received)
            if following == position:
                return position
            if self.ended:
                return len(data)
            position = following

    def _take_short_texts(self, data: bytes, position: int, received: list[Received]) -> int:
        """Take a run of complete, valid, short, unfragmented text frames: nearly all that clients send.

        `unmask` and the checks of `_take_frame` are repeated here in a form that costs a quarter less.
        """
        last = len(data) - 6
        from_bytes = int.from_bytes
        while position <= last:
            length = data[position + 1]
            if data[position] != _WHOLE_TEXT or not _MASKED <= length <= self._longest_short_text:
                break
            length -= _MASKED
            start = position + 6
            end = start + length
            if end > len(data):
                break
            mask = (data[position + 2 : start] * ((length >> 2) + 1))[:length]
            text = (from_bytes(data[start:end], "little") ^ from_bytes(mask, "little")).to_bytes(length, "little")
            if not text.isascii():
                text.decode()
            received.append(text)
            position = end
        return position

    def _take_frame(self, data: bytes, position: int, received: list[Received]) -> int:
        """Take one frame of any kind; return where the next one begins, or `position` if this one is incomplete."""
        if len(data) - position < 2:
            self._needed = 2
            return position
        opcode = self._check_head(data[position], data[position + 1])
        short_length = data[position + 1] - _MASKED
        key_at = position + 2 + _EXTENDED_LENGTH.get(short_length, 0)
        if len(data) < key_at:
            self._needed = key_at - position
            return position
        length = short_length if short_length <= MAX_SHORT_LENGTH else _long_length(data[position + 1 : key_at])
        if opcode < _CONTROL:
            self._check_size(length)
        start = key_at + 4
        end = start + length
        if len(data) < end:
            self._needed = end - position
            return position
        payload = unmask(data[start:end], data[key_at:start])
        if opcode < _CONTROL:
            self._take_fragment(payload, bool(data[position] & FIN), received)
        else:
            self._take_control(ControlFrame(opcode, payload, data[position:end]), received)
        return end

    def _check_head(self, first: int, second: int) -> Opcode:
        opcode = _OPCODES.get(first & 0x0F)
        if opcode is None or first & _RESERVED_BITS or not second & _MASKED:
            raise _Violated(PROTOCOL_ERROR)
        if opcode >= _CONTROL:
            if not first & FIN or second > _MASKED + MAX_SHORT_LENGTH:
                raise _Violated(PROTOCOL_ERROR)
        elif (opcode == Opcode.CONTINUATION) != bool(self._fragments):
            raise _Violated(PROTOCOL_ERROR)
        elif opcode == Opcode.BINARY:
            raise _Violated(UNSUPPORTED_DATA)
        return opcode

    def _check_size(self, length: int) -> None:
        if self._size + length > self._max_message_size or len(self._fragments) >= self._max_fragments:
            raise _Violated(MESSAGE_TOO_BIG)

    def _take_fragment(self, payload: bytes, last: bool, received: list[Received]) -> None:
        # Wrong text ends a message at its first wrong fragment, not only at its end.
        self._decoder.decode(payload, last)
        self._fragments.append(payload)
        self._size += len(payload)
        if last:
            received.append(b"".join(self._fragments))
            self._fragments.clear()
            self._size = 0

    def _take_control(self, frame: ControlFrame, received: list[Received]) -> None:
        if frame.opcode == Opcode.CLOSE:
            _check_close(frame.payload)
            self._end(None)
        received.append(frame)

    def _end(self, violation: DisconnectCode | None) -> None:
        self.ended = True
        self.violation = violation
        self._buffer.clear()
        self._fragments.clear()


def _long_length(field: bytes) -> int:
    """Read the second byte and the extended length after it."""
    length = int.from_bytes(field[1:], "big")
    if length < _SHORTEST_FORM_FROM[field[0] - _MASKED] or length >> 63:
        raise _Violated(PROTOCOL_ERROR)
    return length


def _check_close(payload: bytes) -> None:
    if not payload:
        return
    if len(payload) == 1 or int.from_bytes(payload[:2], "big") not in _CLOSE_CODES:
        raise _Violated(PROTOCOL_ERROR)
    payload[2:].decode()
