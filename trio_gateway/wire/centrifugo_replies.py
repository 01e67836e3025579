"""What the server sends in the Centrifugo protocol: each reply's shape is a type here, and empty fields are left out.

A frame is one line of JSON without line breaks, since clients split what they get at them. Publications
are joined from parts, most of them made once for each channel.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from trio_gateway.model.commands import Ref
from trio_gateway.model.presence import Passage
from trio_gateway.model.publication import Publication
from trio_gateway.model.replies import (
    Answered,
    Connected,
    Counted,
    Error,
    Kept,
    Ping,
    Present,
    Published,
    Refreshed,
    Reply,
    Subscribed,
    SubscribedByServer,
    SubscriptionRefreshed,
    Unsubscribed,
    UnsubscribedByServer,
)
from trio_gateway.wire.frames import text_frame


class _Expiry(Struct, omit_defaults=True):
    expires: bool = False
    ttl: int = 0


class _Subscribed(_Expiry, omit_defaults=True):
    recoverable: bool = False
    epoch: str = ""
    publications: list[Raw] = []
    recovered: bool = False
    offset: int = 0
    positioned: bool = False
    data: Raw | None = None
    was_recovering: bool = False


class _Connected(_Expiry, omit_defaults=True):
    client: str = ""
    version: str = ""
    subs: Mapping[str, _Subscribed] = {}
    ping: int = 0
    pong: bool = False


class _Present(Struct):
    presence: Mapping[str, Raw]


class _Counted(Struct):
    num_clients: int
    num_users: int


class _Kept(Struct):
    publications: list[Raw]
    epoch: str
    offset: int


class _Answered(Struct, omit_defaults=True):
    data: Raw | None = None


class _Nothing(Struct):
    pass


class _Error(Struct, omit_defaults=True):
    code: int
    message: str
    temporary: bool = False


class _SubscribePush(Struct, omit_defaults=True):
    recoverable: bool = False
    epoch: str = ""
    offset: int = 0
    positioned: bool = False
    data: Raw | None = None


class _UnsubscribePush(Struct):
    code: int
    reason: str


_encode = msgspec.json.Encoder().encode
_NOTHING: Final = _Nothing()
_PING: Final = text_frame(b"{}")


def encode_reply(reply: Reply, version: str) -> bytes:
    """Write a reply as one whole WebSocket frame; b"" for what this protocol has no words for."""
    if (answer := _ANSWERS.get(type(reply))) is not None:
        method, shape = answer
        return _answer(reply.ref, method, shape(reply))  # type: ignore[union-attr]  # answers have one
    match reply:
        case Connected(ref):
            return _answer(ref, "connect", _connected(reply, version))
        case SubscribedByServer(channel, subscribed):
            return _push(channel, "subscribe", _subscribe_push(subscribed))
        case UnsubscribedByServer(channel, code):
            return _push(channel, "unsubscribe", _UnsubscribePush(code.code, code.reason))
    return _PING if isinstance(reply, Ping) else b""


def encode_passage(channel: str, passage: Passage) -> bytes:
    """Write that a member came or went as one whole WebSocket frame."""
    kind = b"join" if passage.joined else b"leave"
    parts = (_encode(channel), kind, _in_one_line(passage.info))
    return text_frame(b'{"push":{"channel":%b,"%b":{"info":%b}}}' % parts)


def publication_head(channel: str) -> bytes:
    """Write the part of a publication's text that is the same for all of its channel."""
    return b'{"push":{"channel":%b,"pub":{"data":' % _encode(channel)


def encode_publication(head: bytes, publication: Publication) -> bytes:
    """Write a publication as one whole WebSocket frame; `head` is its channel's `publication_head`."""
    data, offset = publication.data, publication.offset
    if offset and not publication.info and not publication.tags and b"\n" not in data:
        return text_frame(b'%b%b,"offset":%d}}}' % (head, data, offset))
    return text_frame(b"%b%b}}}" % (head, _behind_head(publication)))


def _publication(publication: Publication) -> bytes:
    return b'{"data":%b}' % _behind_head(publication)


def _behind_head(publication: Publication) -> bytes:
    info = b',"info":%b' % _in_one_line(publication.info) if publication.info else b""
    offset = b',"offset":%d' % publication.offset if publication.offset else b""
    tags = b',"tags":%b' % _in_one_line(publication.tags) if publication.tags else b""
    return b"%b%b%b%b" % (_in_one_line(publication.data), info, offset, tags)


def _in_one_line(text: bytes) -> bytes:
    """Replace line breaks, which stand in JSON text between values only (RFC 8259 §2, §7)."""
    return text.replace(b"\n", b" ") if b"\n" in text else text


def _answer(ref: Ref, method: str, result: Struct) -> bytes:
    if not isinstance(ref, int):
        return b""  # what had no id is not answered, whatever came of it
    return text_frame(b'{"id":%d,"%b":%b}' % (ref, method.encode(), _encode(result)))


def _push(channel: str, kind: str, content: Struct) -> bytes:
    return text_frame(b'{"push":{"channel":%b,"%b":%b}}' % (_encode(channel), kind.encode(), _encode(content)))


def _connected(connected: Connected, version: str) -> _Connected:
    return _Connected(
        expires=connected.ttl is not None,
        ttl=connected.ttl or 0,
        client=connected.client,
        version=version,
        subs={channel: _subscribed(one) for channel, one in connected.subscriptions.items()},
        ping=math.ceil(connected.ping),
        pong=bool(connected.ping),
    )


def _subscribed(subscribed: Subscribed) -> _Subscribed:
    placed = subscribed.positioned
    return _Subscribed(
        expires=subscribed.ttl is not None,
        ttl=subscribed.ttl or 0,
        recoverable=subscribed.recoverable,
        epoch=subscribed.position.epoch if placed else "",
        publications=[Raw(_publication(one)) for one in subscribed.publications],
        recovered=subscribed.recovered,
        offset=subscribed.position.offset if placed else 0,
        positioned=placed,
        data=_raw(subscribed.data),
        was_recovering=subscribed.was_recovering,
    )


def _subscribe_push(subscribed: Subscribed) -> _SubscribePush:
    shape = _subscribed(subscribed)
    return _SubscribePush(shape.recoverable, shape.epoch, shape.offset, shape.positioned, shape.data)


def _raw(text: bytes) -> Raw | None:
    return Raw(_in_one_line(text)) if text else None


def _expiry(refreshed: Refreshed | SubscriptionRefreshed) -> _Expiry:
    return _Expiry(refreshed.ttl is not None, refreshed.ttl or 0)


def _present(present: Present) -> _Present:
    return _Present({client: Raw(_in_one_line(member.info)) for client, member in present.members.items()})


def _counted(counted: Counted) -> _Counted:
    return _Counted(counted.statistics.clients, counted.statistics.users)


def _kept(kept: Kept) -> _Kept:
    return _Kept([Raw(_publication(one)) for one in kept.publications], kept.position.epoch, kept.position.offset)


_ANSWERS: Final[dict[type, tuple[str, Callable[[Any], Struct]]]] = {
    Error: ("error", lambda error: _Error(error.code, error.message, error.temporary)),
    Published: ("publish", lambda _: _NOTHING),
    Subscribed: ("subscribe", _subscribed),
    Unsubscribed: ("unsubscribe", lambda _: _NOTHING),
    Present: ("presence", _present),
    Counted: ("presence_stats", _counted),
    Kept: ("history", _kept),
    Answered: ("rpc", lambda answered: _Answered(_raw(answered.data or b""))),
    Refreshed: ("refresh", _expiry),
    SubscriptionRefreshed: ("sub_refresh", _expiry),
}
"""The answers: their method, and how their shape is made."""
