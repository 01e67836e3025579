"""Clients that send one request to connect get bare pushes, and nothing that would answer a command (protocol §12)."""

from __future__ import annotations

import json

import pytest

from trio_gateway.model.codes import SERVER_UNSUBSCRIBE
from trio_gateway.model.commands import Break, Connect
from trio_gateway.model.position import Position
from trio_gateway.model.presence import Passage
from trio_gateway.model.publication import Gap, Publication
from trio_gateway.model.replies import (
    Connected,
    Error,
    Goodbye,
    Ping,
    Published,
    RefreshedByServer,
    Subscribed,
    SubscribedByServer,
    UnsubscribedByServer,
)
from trio_gateway.wire.centrifugo import CentrifugoCodec, UnidirectionalCodec
from trio_gateway.wire.codec import Codec
from trio_gateway.wire.framing import line

CODEC: Codec = UnidirectionalCodec("1.0", line)
COMMON: Codec = CentrifugoCodec("1.0", line, ends_by_push=True)
PLACE = Position("e", 7)
CONNECTED = Connected(3, "7", "c1", 25, PLACE, {"news": Subscribed(None, PLACE, positioned=True)}, ttl=60)


def test_the_request_stands_by_itself():
    text = b'{"token":"t","data":{"a":1},"subs":{"a":{"recover":true,"offset":3,"epoch":"e"},"b":{}}}'

    assert CODEC.decode(text) == (Connect(None, "t", b'{"a":1}', {"a": Position("e", 3), "b": None}),)
    assert CODEC.decode(b"{}") == (Connect(None),)


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b'{"token":1}', b"[" * 100_000])
def test_what_is_no_request_breaks_the_protocol(text):
    (command,) = CODEC.decode(text)

    assert isinstance(command, Break)
    assert command.disconnect.code == 3501


def test_the_greeting_asks_for_no_pongs():
    text = CODEC.encode(CONNECTED)

    subs = {"news": {"epoch": "e", "offset": 7, "positioned": True}}
    connect = {"client": "c1", "version": "1.0", "ping": 25, "expires": True, "ttl": 60, "subs": subs}
    assert json.loads(text) == {"connect": connect}


@pytest.mark.parametrize(
    "push",
    [
        SubscribedByServer("news", Subscribed(None, PLACE, positioned=True)),
        UnsubscribedByServer("news", SERVER_UNSUBSCRIBE),
        RefreshedByServer(60),
        Goodbye(3001, "shutdown", 5),
    ],
)
def test_a_push_is_what_others_get_without_its_wrapper(push):
    assert json.loads(COMMON.encode(push)) == {"push": json.loads(CODEC.encode(push))}


def test_publications_and_passages_are_what_others_get_without_their_wrapper():
    publication, passage = Publication(8, 7, b"[\n1]", 5, tags=b'{"a":"b"}'), Passage(joined=False, info=b"{}")

    bare = CODEC.encode_publication(CODEC.publication_head("news", "e"), publication)
    wrapped = COMMON.encode_publication(COMMON.publication_head("news", "e"), publication)
    assert json.loads(wrapped) == {"push": json.loads(bare)}
    assert json.loads(COMMON.encode_passage("a", passage)) == {"push": json.loads(CODEC.encode_passage("a", passage))}


def test_a_ping_is_an_empty_object():
    assert CODEC.encode(Ping()) == b"{}\n"


@pytest.mark.parametrize("answer", [Published(1, 3), Error(1, 103, "permission denied")])
def test_answers_are_not_said(answer):
    assert CODEC.encode(answer) == b""


def test_gaps_are_not_told():
    assert CODEC.encode_gap("news", Gap(1, 2, "e", 2)) == b""


def test_an_ending_is_a_push_only_where_no_close_frame_tells_it():
    goodbye = Goodbye(3503, "force disconnect", None)

    assert json.loads(COMMON.encode(goodbye)) == {"push": {"disconnect": {"code": 3503, "reason": "force disconnect"}}}
    assert CentrifugoCodec("1.0").encode(goodbye) == b""
