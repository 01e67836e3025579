"""What the plain protocol's server says, as text: each message's shape, and the order of its fields, is a type here.

Publications are the exception: they are what nearly all bytes are, so their text is joined from
parts, most of them made once for each channel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from trio_gateway.model.commands import Ref
from trio_gateway.model.publication import Gap, Publication
from trio_gateway.model.replies import (
    Answered,
    Connected,
    Error,
    Goodbye,
    Ping,
    Published,
    Reply,
    Subscribed,
    Unsubscribed,
)


class _Hello(Struct, tag_field="type", tag="hello", omit_defaults=True):
    user: str
    client: str
    ping: float
    position: str
    data: Raw | None = None


class _Ok(Struct, tag_field="type", tag="ok", omit_defaults=True):
    ref: Ref = None
    offset: int | None = None
    position: str | None = None
    data: Raw | None = None


class _Error(Struct, tag_field="type", tag="error", omit_defaults=True):
    code: int
    message: str
    detail: str = ""


class _ReferredError(Struct, tag_field="type", tag="error", omit_defaults=True):
    ref: Ref
    code: int
    message: str
    detail: str = ""


class _Goodbye(Struct, tag_field="type", tag="goodbye", omit_defaults=True):
    code: int
    reason: str
    reconnect_ms: int | None = None


class _Gap(Struct, tag_field="type", tag="gap"):
    channel: str
    position: str


class _BoundedGap(Struct, tag_field="type", tag="gap", rename={"first": "from", "last": "to"}):
    channel: str
    first: int
    last: int
    position: str


_encode = msgspec.json.Encoder().encode
_PING: Final = b'{"type":"ping"}'


def encode_reply(reply: Reply) -> bytes:
    """Write a reply; b"" for what this protocol has no words for."""
    shape = _SHAPES.get(type(reply))
    if shape is None:
        return _PING if isinstance(reply, Ping) else b""
    return _encode(shape(reply))


def _error(error: Error) -> Struct:
    if error.ref is None:
        return _Error(error.code, error.message, error.detail)
    return _ReferredError(error.ref, error.code, error.message, error.detail)


def _hello(connected: Connected) -> Struct:
    # Whole seconds are written without a fraction.
    ping = int(connected.ping) if connected.ping == int(connected.ping) else connected.ping
    data = _raw(connected.data or None)
    return _Hello(connected.user, connected.client, ping, str(connected.position), data)


def _raw(data: bytes | None) -> Raw | None:
    return None if data is None else Raw(data)


def encode_gap(channel: str, gap: Gap) -> bytes:
    """Write a gap, without bounds where it has none."""
    position = f"{gap.epoch}:{gap.offset}"
    if gap.first is None or gap.last is None:
        return _encode(_Gap(channel, position))
    return _encode(_BoundedGap(channel, gap.first, gap.last, position))


def publication_head(channel: str) -> bytes:
    """Write the part of a publication's text that is the same for all of its channel."""
    return b'{"type":"message","channel":%b' % _encode(channel)


def encode_publication(head: bytes, publication: Publication) -> bytes:
    """Write a publication; `head` is its channel's `publication_head`."""
    offset = publication.offset
    end = _end(publication) if publication.id or publication.sender else b"}"
    if not offset:
        return b'%b,"data":%b,"time":%d%b' % (head, publication.data, publication.time, end)
    return b'%b,"offset":%d,"data":%b,"time":%d%b' % (head, offset, publication.data, publication.time, end)


def _end(publication: Publication) -> bytes:
    end = b',"id":%b' % _encode(publication.id) if publication.id else b""
    return b'%b,"from":%b}' % (end, _encode(publication.sender)) if publication.sender else end + b"}"


_SHAPES: Final[dict[type, Callable[[Any], Struct]]] = {
    Published: lambda published: _Ok(published.ref, offset=published.offset, data=_raw(published.data)),
    Subscribed: lambda subscribed: _Ok(subscribed.ref, position=str(subscribed.position)),
    Answered: lambda answered: _Ok(answered.ref, data=_raw(answered.data)),
    Unsubscribed: lambda unsubscribed: _Ok(unsubscribed.ref),
    Error: _error,
    Connected: _hello,
    Goodbye: lambda goodbye: _Goodbye(goodbye.code, goodbye.reason, goodbye.reconnect_ms),
}
