"""What clients of the plain protocol send: each frame's shape is a type here, and nothing else is taken.

`data` passes through as the bytes that came: msgspec checks its grammar on the way, more strictly
than Python's `json` (no NaN, no lone surrogates, nesting bounded), without building it.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct

from trio_gateway.model.codes import BAD_REQUEST, METHOD_NOT_FOUND
from trio_gateway.model.commands import (
    Acknowledge,
    Command,
    Message,
    Pong,
    Publish,
    Ref,
    Send,
    Subscribe,
    Unsubscribe,
)
from trio_gateway.model.errors import BadRequest, InvalidId
from trio_gateway.model.position import MAX_OFFSET, Position
from trio_gateway.model.replies import Error
from trio_gateway.model.user import CONTROL_CHARACTER, check_user_id

MAX_ID_BYTES: Final = 128
MAX_REF_LENGTH: Final = 128
"""Characters of a reference that is a string."""

# A reference goes back in the answer, so whole numbers are bounded by what msgspec writes.
_Ref = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | float | Annotated[str, Meta(max_length=MAX_REF_LENGTH)] | None
_Offset = Annotated[int, Meta(ge=0, le=MAX_OFFSET)]
_Epoch = Annotated[str, Meta(max_length=64)]


# Each shape makes its command, and raises BadRequest for what a shape can't tell.


class _Frame(Struct, frozen=True, tag_field="type"):
    pass


class _Send(_Frame, frozen=True, tag="send"):
    to: str
    data: Raw
    id: str = ""
    ref: _Ref = None

    def command(self) -> Send:
        return Send(self.ref, check_user_id(self.to), bytes(self.data), _check_id(self.id))


class _Publish(_Frame, frozen=True, tag="publish"):
    channel: str
    data: Raw
    id: str = ""
    ref: _Ref = None

    def command(self) -> Publish:
        return Publish(self.ref, self.channel, bytes(self.data), _check_id(self.id))


class _Message(_Frame, frozen=True, tag="message"):
    data: Raw
    ref: _Ref = None

    def command(self) -> Command:
        return Message(self.ref, bytes(self.data))


class _Subscribe(_Frame, frozen=True, tag="subscribe"):
    channel: str
    since: str | None = None
    data: Raw = Raw()
    ref: _Ref = None

    def command(self) -> Command:
        since = None if self.since is None else Position.parse_since(self.since)
        return Subscribe(self.ref, self.channel, since, data=bytes(self.data))


class _Unsubscribe(_Frame, frozen=True, tag="unsubscribe"):
    channel: str
    ref: _Ref = None

    def command(self) -> Command:
        return Unsubscribe(self.ref, self.channel)


class _Ack(_Frame, frozen=True, tag="ack"):
    offset: _Offset
    epoch: _Epoch = ""
    ref: _Ref = None

    def command(self) -> Command:
        return Acknowledge(self.ref, self.offset, self.epoch)


class _Pong(_Frame, frozen=True, tag="pong"):
    ref: _Ref = None

    def command(self) -> Command:
        return Pong()


_AnyFrame = _Send | _Publish | _Message | _Subscribe | _Unsubscribe | _Ack | _Pong
_TYPES: Final = frozenset({"send", "publish", "message", "subscribe", "unsubscribe", "ack", "pong"})


class _Positioned(Struct, frozen=True):
    position: str


_Alone = TypeVar("_Alone")


class _Kind(Struct):
    type: str


class _Referred(Struct):
    ref: _Ref = None


_frames: msgspec.json.Decoder[_AnyFrame] = msgspec.json.Decoder(_AnyFrame)
_sends = msgspec.json.Decoder(_Send)
_publishes = msgspec.json.Decoder(_Publish)
_positions = msgspec.json.Decoder(_Positioned)
_kinds = msgspec.json.Decoder(_Kind)
_referred = msgspec.json.Decoder(_Referred)

# Nesting too deep for msgspec's recursion is the sender's fault like any other malformed text.
_UNREADABLE = (msgspec.DecodeError, RecursionError)


def decode_request(text: bytes) -> Command | Error:
    """Read one frame's text (valid UTF-8); an Error says why it can't be read, with its `ref` where that can."""
    try:
        frame = _frames.decode(text)
    except _UNREADABLE as error:
        return _refusal(text, str(error))
    try:
        return frame.command()
    except BadRequest as error:
        return Error(frame.ref, BAD_REQUEST.code, BAD_REQUEST.message, str(error))


def decode_send(text: bytes) -> Send:
    """Read a frame of type `send` that comes by itself, where its `type` may be left out; raises BadRequest."""
    return _alone(_sends, text).command()


def decode_publish(text: bytes) -> Publish:
    """Read a frame of type `publish` that comes by itself, where its `type` may be left out; raises BadRequest."""
    return _alone(_publishes, text).command()


def decode_ack(text: bytes) -> Position:
    """Read up to where a device has everything, `{"position":"<epoch>:<offset>"}`; raises BadRequest."""
    return Position.parse(_alone(_positions, text).position)


def _alone(decoder: msgspec.json.Decoder[_Alone], text: bytes) -> _Alone:
    try:
        return decoder.decode(text)
    except _UNREADABLE as error:
        raise BadRequest(str(error)) from error


def _refusal(text: bytes, reason: str) -> Error:
    try:
        ref: Ref = _referred.decode(text).ref
    except _UNREADABLE:
        ref = None
    try:
        kind = _kinds.decode(text).type
    except _UNREADABLE:
        return Error(ref, BAD_REQUEST.code, BAD_REQUEST.message, reason)
    if kind in _TYPES:
        return Error(ref, BAD_REQUEST.code, BAD_REQUEST.message, reason)
    return Error(ref, METHOD_NOT_FOUND.code, METHOD_NOT_FOUND.message)


def _check_id(publication_id: str) -> str:
    if CONTROL_CHARACTER.search(publication_id) or len(publication_id.encode()) > MAX_ID_BYTES:
        raise InvalidId(f"an id has at most {MAX_ID_BYTES} bytes and no control characters")
    return publication_id
