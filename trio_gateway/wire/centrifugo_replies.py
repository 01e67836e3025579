"""What the server says in the Centrifugo protocol, as text: each reply's shape is a type here, and empty fields are left out.

A reply is one line of JSON without line breaks, since clients split what they get at them. Publications
are joined from parts, most of them made once for each channel. Pushes are bare: clients that send
commands, too, get each as `{"push": …}` (protocol §4, §12).
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
    Goodbye,
    Kept,
    Ping,
    Present,
    Published,
    Refreshed,
    RefreshedByServer,
    Reply,
    Subscribed,
    SubscribedByServer,
    SubscriptionRefreshed,
    Unsubscribed,
    UnsubscribedByServer,
)
from trio_gateway.wire.framing import in_one_line


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
    delta: bool = False


class _Connected(_Expiry, omit_defaults=True):
    client: str = ""
    version: str = ""
    data: Raw | None = None
    subs: Mapping[str, _Subscribed] = {}
    ping: int = 0
    pong: bool = False
    session: str = ""
    node: str = ""


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


class _Ending(Struct):
    code: int
    reason: str


_encode = msgspec.json.Encoder().encode
_NOTHING: Final = _Nothing()
PING: Final = b"{}"
"""Asks for a pong, or shows a client that sends none that the connection lives."""


def encode_answer(answered: Reply, version: str) -> bytes:
    """Write what answers a command, or asks for a pong; b"" for everything else."""
    if (answer := _ANSWERS.get(type(answered))) is not None:
        method, shape = answer
        return _answer(answered.ref, method, shape(answered))  # type: ignore[union-attr]  # answers have one
    if isinstance(answered, Connected):
        return _answer(answered.ref, "connect", _connected(answered, version))
    return PING if isinstance(answered, Ping) else b""


def encode_push(pushed: Reply) -> bytes:
    """Write what no command asked for; b"" for everything else."""
    match pushed:
        case SubscribedByServer(channel, subscribed):
            return _push(channel, "subscribe", _subscribe_push(subscribed))
        case UnsubscribedByServer(channel, code):
            return _push(channel, "unsubscribe", _Ending(code.code, code.reason))
        case RefreshedByServer():
            return b'{"refresh":%b}' % _encode(_expiry(pushed))
    return b""


def encode_disconnect(goodbye: Goodbye) -> bytes:
    """Write the push that says why a stream ends (protocol §1.7)."""
    return b'{"disconnect":%b}' % _encode(_Ending(goodbye.code, goodbye.reason))


def encode_connect_push(connected: Connected, version: str) -> bytes:
    """Write the push that greets a client which sends no commands (protocol §12)."""
    greeting = msgspec.structs.replace(_connected(connected, version), pong=False, node="")
    return b'{"connect":%b}' % _encode(greeting)


def encode_passage(channel: str, passage: Passage) -> bytes:
    """Write that a member came or went."""
    kind = b"join" if passage.joined else b"leave"
    parts = (_encode(channel), kind, in_one_line(passage.info))
    return b'{"channel":%b,"%b":{"info":%b}}' % parts


def publication_head(channel: str) -> bytes:
    """Write the part of a publication's text that is the same for all of its channel."""
    return b'{"channel":%b,"pub":{"data":' % _encode(channel)


def encode_publication(head: bytes, publication: Publication) -> bytes:
    """Write a publication; `head` is its channel's `publication_head`."""
    data, offset = publication.data, publication.offset
    if offset and not (publication.info or publication.tags or publication.patch) and b"\n" not in data:
        return b'%b%b,"offset":%d}}' % (head, data, offset)
    return b"%b%b}}" % (head, _behind_head(publication))


def _publication(publication: Publication) -> bytes:
    return b'{"data":%b}' % _behind_head(publication)


def _behind_head(publication: Publication) -> bytes:
    info = b',"info":%b' % in_one_line(publication.info) if publication.info else b""
    offset = b',"offset":%d' % publication.offset if publication.offset else b""
    tags = b',"tags":%b' % in_one_line(publication.tags) if publication.tags else b""
    delta = b',"delta":true' if publication.patch else b""
    return b"%b%b%b%b%b" % (in_one_line(publication.data), info, offset, tags, delta)


def _answer(ref: Ref, method: str, result: Struct) -> bytes:
    if not isinstance(ref, int):
        return b""  # what had no id is not answered, whatever came of it
    return b'{"id":%d,"%b":%b}' % (ref, method.encode(), _encode(result))


def _push(channel: str, kind: str, content: Struct) -> bytes:
    return b'{"channel":%b,"%b":%b}' % (_encode(channel), kind.encode(), _encode(content))


def _connected(connected: Connected, version: str) -> _Connected:
    return _Connected(
        expires=connected.ttl is not None,
        ttl=connected.ttl or 0,
        client=connected.client,
        version=version,
        data=_raw(connected.data),
        subs={channel: _subscribed(one) for channel, one in connected.subscriptions.items()},
        ping=math.ceil(connected.ping),
        pong=bool(connected.ping),
        session=connected.session,
        node=connected.node,
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
        delta=subscribed.delta,
    )


def _subscribe_push(subscribed: Subscribed) -> _SubscribePush:
    shape = _subscribed(subscribed)
    return _SubscribePush(shape.recoverable, shape.epoch, shape.offset, shape.positioned, shape.data)


def _raw(text: bytes) -> Raw | None:
    return Raw(in_one_line(text)) if text else None


def _expiry(refreshed: Refreshed | SubscriptionRefreshed | RefreshedByServer) -> _Expiry:
    return _Expiry(refreshed.ttl is not None, refreshed.ttl or 0)


def _present(present: Present) -> _Present:
    return _Present({client: Raw(in_one_line(member.info)) for client, member in present.members.items()})


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
