"""What clients of the Centrifugo protocol send: each command's shape is a type here, and unknown fields are left alone.

A line that is no command, or whose fields have wrong types, breaks the protocol (3501), as does a
command without what it is about; what a shape can't tell is an error for that command alone.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Raw, Struct

from trio_gateway.model.channel import INBOX_SIGN, is_inbox
from trio_gateway.model.codes import BAD_REQUEST, NOT_AVAILABLE, PERMISSION_DENIED, REQUEST_BROKEN, ErrorCode
from trio_gateway.model.commands import (
    AskHistory,
    AskPresence,
    AskPresenceStatistics,
    Break,
    Call,
    Command,
    Connect,
    Message,
    Pong,
    Publish,
    Refresh,
    RefreshSubscription,
    Send,
    Subscribe,
    Unsubscribe,
)
from trio_gateway.model.errors import BadRequest
from trio_gateway.model.position import MAX_OFFSET, Position
from trio_gateway.model.replies import Error
from trio_gateway.model.tags_filter import read_filter

_Id = Annotated[int, Meta(ge=0, le=2**32 - 1)]
_Offset = Annotated[int, Meta(ge=0)]

MAX_EPOCH: Final = 64
"""Characters; no epoch here is longer."""

_FOSSIL: Final = "fossil"
_REJECTS_UNRECOVERED: Final = 2
"""In a subscribe's `flag`; the bit 1 offers compaction, which this server has no use for."""

_OTHER_TYPES: Final[dict[int, ErrorCode]] = {
    1: PERMISSION_DENIED,
    2: PERMISSION_DENIED,
    3: PERMISSION_DENIED,
    4: NOT_AVAILABLE,
}
"""What a subscription of another type than a stream is answered: maps and shared polls do not exist here."""


def _position(epoch: str, offset: int) -> Position:
    # Cut off, an epoch or offset that is longer than any here is still none of those.
    return Position(epoch[: MAX_EPOCH + 1], min(offset, MAX_OFFSET))


class _Place(Struct, frozen=True):
    offset: _Offset = 0
    epoch: str = ""

    def position(self) -> Position:
        return _position(self.epoch, self.offset)


class _Recover(_Place, frozen=True):
    recover: bool = False


# Each shape makes its command; `ref` is the command's id, and an Error or a Break is what it comes to otherwise.


class _Connect(Struct, frozen=True):
    token: str = ""
    data: Raw = Raw()
    subs: dict[str, _Recover] = {}
    name: str = ""
    version: str = ""
    headers: dict[str, str] = {}

    def command(self, ref: int | None) -> Connect:
        positions = {channel: place.position() if place.recover else None for channel, place in self.subs.items()}
        token, data = self.token or None, bytes(self.data)
        return Connect(ref, token, data, positions, self.name, self.version, self.headers)


class _OfChannel(Struct, frozen=True):
    channel: str = ""


class _Subscribe(_OfChannel, frozen=True):
    token: str = ""
    data: Raw = Raw()
    recover: bool = False
    offset: _Offset = 0
    epoch: str = ""
    positioned: bool = False
    recoverable: bool = False
    join_leave: bool = False
    delta: str = ""
    tf: Raw = Raw()
    flag: int = 0
    type: int = 0

    def command(self, ref: int) -> Command | Error:
        if self.delta not in ("", _FOSSIL):
            return Break(REQUEST_BROKEN, f"unknown delta type {self.delta[:80]!r}")
        if self.type:
            return _error(ref, _OTHER_TYPES.get(self.type, BAD_REQUEST), "only streams can be subscribed to")
        try:
            filter = None if bytes(self.tf) in (b"", b"null") else read_filter(self.tf)
        except BadRequest as error:
            return _error(ref, BAD_REQUEST, str(error))
        return Subscribe(
            ref,
            self.channel,
            recover=_position(self.epoch, self.offset) if self.recover else None,
            token=self.token,
            rejects_unrecovered=bool(self.flag & _REJECTS_UNRECOVERED),
            positioned=self.positioned,
            recoverable=self.recoverable,
            join_leave=self.join_leave,
            delta=self.delta == _FOSSIL,
            filter=filter,
            data=bytes(self.data),
        )


class _Unsubscribe(_OfChannel, frozen=True):
    def command(self, ref: int) -> Command | Error:
        return Unsubscribe(ref, self.channel)


class _Publish(_OfChannel, frozen=True):
    data: Raw = Raw()
    type: int = 0

    def command(self, ref: int) -> Command | Error:
        data = bytes(self.data)
        if not data or self.type:
            return _error(ref, BAD_REQUEST, "the data is missing" if not self.type else "this channel is no map")
        if is_inbox(self.channel):
            return Send(ref, self.channel.removeprefix(INBOX_SIGN), data)  # this protocol has no other word for it
        return Publish(ref, self.channel, data)


class _Presence(_OfChannel, frozen=True):
    def command(self, ref: int) -> Command | Error:
        return AskPresence(ref, self.channel)


class _PresenceStatistics(_OfChannel, frozen=True):
    def command(self, ref: int) -> Command | Error:
        return AskPresenceStatistics(ref, self.channel)


class _History(_OfChannel, frozen=True):
    limit: int = 0
    since: _Place | None = None
    reverse: bool = False

    def command(self, ref: int) -> Command | Error:
        since = None if self.since is None else self.since.position()
        if self.reverse and since is not None and not since.offset:
            return _error(ref, BAD_REQUEST, "nothing is before offset 0")
        return AskHistory(ref, self.channel, self.limit, since, self.reverse)


class _Rpc(Struct, frozen=True):
    method: str = ""
    data: Raw = Raw()

    def command(self, ref: int) -> Command | Error:
        return Call(ref, self.method, bytes(self.data) or b"null")


class _Send(Struct, frozen=True):
    data: Raw = Raw()

    def command(self, _ref: int) -> Command | Error:
        return Message(None, bytes(self.data) or b"null")


class _Refresh(Struct, frozen=True):
    token: str = ""

    def command(self, ref: int) -> Command | Error:
        return Refresh(ref, self.token) if self.token else Break(REQUEST_BROKEN, "a refresh without a token")


class _SubscriptionRefresh(_OfChannel, frozen=True):
    token: str = ""
    type: int = 0

    def command(self, ref: int) -> Command | Error:
        if self.type:
            return _error(ref, NOT_AVAILABLE, "shared polls do not exist here")
        if not self.token:
            return _error(ref, BAD_REQUEST, "the token is missing")
        return RefreshSubscription(ref, self.channel, self.token)


class _Line(Struct, frozen=True):
    """Hold one command; of several methods the first one in this order counts."""

    id: _Id = 0
    connect: _Connect | None = None
    subscribe: _Subscribe | None = None
    unsubscribe: _Unsubscribe | None = None
    publish: _Publish | None = None
    presence: _Presence | None = None
    presence_stats: _PresenceStatistics | None = None
    history: _History | None = None
    rpc: _Rpc | None = None
    send: _Send | None = None
    refresh: _Refresh | None = None
    sub_refresh: _SubscriptionRefresh | None = None


_METHODS: Final = _Line.__struct_fields__[1:]
_lines: msgspec.json.Decoder[_Line] = msgspec.json.Decoder(_Line)
_connects: msgspec.json.Decoder[_Connect] = msgspec.json.Decoder(_Connect)

# Nesting too deep for msgspec's recursion is the sender's fault like any other malformed text.
_UNREADABLE = (msgspec.DecodeError, RecursionError)


def decode_command(line: bytes) -> Command | Error:
    """Read one line (valid UTF-8): a command, the Error that answers it, or the Break that ends the connection."""
    try:
        read = _lines.decode(line)
    except _UNREADABLE as error:
        return Break(REQUEST_BROKEN, str(error))
    for method in _METHODS:
        request = getattr(read, method)
        if request is not None:
            return _command(read.id, request)
    return Break(REQUEST_BROKEN, "no known method") if read.id else Pong()


def decode_connect(text: bytes) -> Connect | Break:
    """Read the one request of a client that sends nothing else (protocol §12): it stands by itself, without an id."""
    try:
        return _connects.decode(text).command(None)
    except _UNREADABLE as error:
        return Break(REQUEST_BROKEN, str(error))


def _command(id: int, request: _AnyRequest) -> Command | Error:
    if not id and not isinstance(request, _Send):
        return Break(REQUEST_BROKEN, "a command without an id")
    if isinstance(request, _OfChannel) and not request.channel:
        return Break(REQUEST_BROKEN, "a command without a channel")
    return request.command(id)


def _error(ref: int, code: ErrorCode, detail: str) -> Error:
    return Error(ref, code.code, code.message, detail)


_AnyRequest = (
    _Connect
    | _Subscribe
    | _Unsubscribe
    | _Publish
    | _Presence
    | _PresenceStatistics
    | _History
    | _Rpc
    | _Send
    | _Refresh
    | _SubscriptionRefresh
)
