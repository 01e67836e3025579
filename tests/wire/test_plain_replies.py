"""Replies and pushes are the frames that the plain protocol documents, field by field."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_gateway.model.position import Position
from trio_gateway.model.presence import PresenceStatistics
from trio_gateway.model.publication import Gap, Publication
from trio_gateway.model.replies import (
    Answered,
    Connected,
    Counted,
    Error,
    Goodbye,
    Ping,
    Published,
    Subscribed,
    Unsubscribed,
)
from trio_gateway.wire.plain_replies import encode_gap, encode_publication, encode_reply, publication_head


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (
            Connected(None, "7", "c1", 25.0, Position("e", 0)),
            '{"type":"hello","user":"7","client":"c1","ping":25,"position":"e:0"}',
        ),
        (
            Connected(None, '"ü', "c1", 0.5, Position("e", 3)),
            '{"type":"hello","user":"\\"ü","client":"c1","ping":0.5,"position":"e:3"}',
        ),
        (
            Connected(None, "7", "c1", 25, Position("e", 3), data=b"[1]"),
            '{"type":"hello","user":"7","client":"c1","ping":25,"position":"e:3","data":[1]}',
        ),
        (Unsubscribed(5), '{"type":"ok","ref":5}'),
        (Published(0, 0), '{"type":"ok","ref":0,"offset":0}'),
        (Published("r", 13), '{"type":"ok","ref":"r","offset":13}'),
        (Subscribed(1.5, Position("e", 9)), '{"type":"ok","ref":1.5,"position":"e:9"}'),
        (Published(1, 2, b"[ 1 ]"), '{"type":"ok","ref":1,"offset":2,"data":[ 1 ]}'),
        (Answered(1, b"null"), '{"type":"ok","ref":1,"data":null}'),
        (Error(5, 103, "permission denied"), '{"type":"error","ref":5,"code":103,"message":"permission denied"}'),
        (Error("", 100, "x"), '{"type":"error","ref":"","code":100,"message":"x"}'),
        (Error(None, 107, "bad request"), '{"type":"error","code":107,"message":"bad request"}'),
        (Goodbye(3001, "shutdown", 840), '{"type":"goodbye","code":3001,"reason":"shutdown","reconnect_ms":840}'),
        (Goodbye(3001, "shutdown", 0), '{"type":"goodbye","code":3001,"reason":"shutdown","reconnect_ms":0}'),
        (Goodbye(3503, "force disconnect", None), '{"type":"goodbye","code":3503,"reason":"force disconnect"}'),
        (Ping(), '{"type":"ping"}'),
    ],
)
def test_a_reply_has_its_fields_in_the_documented_order(reply, text):
    assert encode_reply(reply).decode() == text


def test_what_the_protocol_has_no_words_for_is_not_said():
    assert encode_reply(Counted(1, PresenceStatistics(1, 1))) == b""


def test_a_gap_shows_its_bounds():
    text = encode_gap("#7", Gap(3, 9, "e", 9)).decode()

    assert text == '{"type":"gap","channel":"#7","from":3,"to":9,"position":"e:9"}'


def test_a_gap_of_another_epoch_has_no_bounds():
    assert encode_gap("#7", Gap(None, None, "e", 2)).decode() == '{"type":"gap","channel":"#7","position":"e:2"}'


@pytest.mark.parametrize(
    ("publication", "text"),
    [
        (
            Publication(12, 11, b'{"text": "hi"}', 1700000000000),
            '{"type":"message","channel":"#7","offset":12,"data":{"text": "hi"},"time":1700000000000}',
        ),
        (
            Publication(12, 11, b"1", 5, "8", "m1"),
            '{"type":"message","channel":"#7","offset":12,"data":1,"time":5,"id":"m1","from":"8"}',
        ),
        (
            Publication(12, 11, b"1", 5, id="m1"),
            '{"type":"message","channel":"#7","offset":12,"data":1,"time":5,"id":"m1"}',
        ),
        (
            Publication(12, 11, b"1", 5, sender="8"),
            '{"type":"message","channel":"#7","offset":12,"data":1,"time":5,"from":"8"}',
        ),
        (Publication(0, 0, b"1", 5), '{"type":"message","channel":"#7","data":1,"time":5}'),
    ],
)
def test_a_publication_has_its_fields_in_the_documented_order(publication, text):
    assert encode_publication(publication_head("#7"), publication).decode() == text


@given(
    st.text(min_size=1, max_size=20).filter(str.isprintable),
    st.integers(0, 2**53 - 1),
    st.text(max_size=20),
    st.text(max_size=20),
    st.text(max_size=200),
)
def test_whatever_a_publication_holds_its_text_is_json(channel, offset, sender, publication_id, words):
    data = json.dumps(words, ensure_ascii=False).encode()

    text = encode_publication(publication_head(channel), Publication(offset, 0, data, 5, sender, publication_id))

    expected = {"type": "message", "channel": channel, "offset": offset, "data": words, "time": 5}
    expected |= {"id": publication_id, "from": sender}
    left_out = {name for name in ("offset", "id", "from") if not expected[name]}
    assert json.loads(text) == {name: value for name, value in expected.items() if name not in left_out}


def test_a_percent_sign_in_a_channel_is_no_format():
    assert b'"channel":"100%d %b"' in encode_publication(publication_head("100%d %b"), Publication(1, 0, b"1", 5))
