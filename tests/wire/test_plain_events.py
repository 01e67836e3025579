"""The plain protocol as events: what a WebSocket would carry, and with it the place where a browser goes on."""

from __future__ import annotations

import json

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire.event_stream import EventSource

from trio_gateway.model.position import Position
from trio_gateway.model.presence import Passage
from trio_gateway.model.publication import Gap, Publication
from trio_gateway.model.replies import Connected, Error, Goodbye, Ping
from trio_gateway.wire import plain_replies
from trio_gateway.wire.framing import AWAY_MS
from trio_gateway.wire.plain_events import PLAIN_EVENTS

HELLO = Connected(None, "7", "c1", 25, Position("e", 12))


def read(*events):
    return EventSource().receive(b"".join(events))


def published(channel, epoch, publication):
    return PLAIN_EVENTS.encode_publication(PLAIN_EVENTS.publication_head(channel, epoch), publication)


def test_the_greeting_tells_where_delivery_starts():
    stream = read(PLAIN_EVENTS.encode(HELLO))

    assert stream.events == [plain_replies.encode_reply(HELLO).decode()]
    assert stream.last_id == "e:12"


def test_data_of_an_application_breaks_no_event():
    hello = attrs.evolve(HELLO, data=b'{\n  "a": 1,\r  "b": 2\r\n}')

    stream = read(PLAIN_EVENTS.encode(hello))

    assert json.loads(stream.events[0])["data"] == {"a": 1, "b": 2}
    assert stream.last_id == "e:12"


def test_a_message_tells_its_position():
    publication = Publication(13, 12, b'{"text":"hi"}', 5, sender="8")

    stream = read(published("#7", "e", publication))

    expected = plain_replies.encode_publication(plain_replies.publication_head("#7"), publication)
    assert (stream.events, stream.last_id) == ([expected.decode()], "e:13")


def test_a_message_that_is_kept_nowhere_moves_no_position():
    stream = read(PLAIN_EVENTS.encode(HELLO), published("#7", "e", Publication(0, 0, b"1", 5)))

    assert (len(stream.events), stream.last_id) == (2, "e:12")


@pytest.mark.parametrize("gap", [Gap(3, 9, "f", 9), Gap(None, None, "f", 9)])
def test_a_gap_tells_the_position_behind_it(gap):
    stream = read(PLAIN_EVENTS.encode(HELLO), PLAIN_EVENTS.encode_gap("#7", gap))

    assert stream.events[1] == plain_replies.encode_gap("#7", gap).decode()
    assert stream.last_id == "f:9"


def test_a_goodbye_tells_when_to_come_back():
    assert read(PLAIN_EVENTS.encode(Goodbye(3001, "shutdown", 840))).retry == 840
    assert read(PLAIN_EVENTS.encode(Goodbye(3503, "force disconnect", None))).retry == AWAY_MS


def test_everything_else_is_an_event_without_a_position():
    for reply in (Ping(), Error(None, 107, "bad request")):
        stream = read(PLAIN_EVENTS.encode(reply))

        assert (stream.events, stream.last_id) == ([plain_replies.encode_reply(reply).decode()], "")


def test_nobody_is_told_who_comes_and_goes():
    assert PLAIN_EVENTS.encode_passage("a", Passage(joined=True, info=b"{}")) == b""


def test_a_stream_goes_one_way():
    assert PLAIN_EVENTS.decode(b'{"type":"pong"}') == ()


@given(
    st.text(min_size=1, max_size=20).filter(str.isprintable),
    st.text("0123456789abcdef", min_size=1),
    st.integers(1, 2**53 - 1),
    st.lists(st.text(), max_size=3),
)
def test_whatever_a_message_holds_it_is_one_event(channel, epoch, offset, words):
    data = json.dumps(words, indent=1, ensure_ascii=False).encode()

    stream = read(published(channel, epoch, Publication(offset, 0, data, 5)))

    (event,) = stream.events
    assert json.loads(event)["data"] == words
    assert stream.last_id == f"{epoch}:{offset}"
