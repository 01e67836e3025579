"""However a message travels, it arrives as it was, alone, and in order."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire.event_stream import EventSource

from trio_gateway.wire.framing import AWAY_MS, COMMENT, event, last_event, line

documents = st.recursive(
    st.none() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner)
)
texts = st.builds(
    lambda document, indent, ends: json.dumps(document, indent=indent, ensure_ascii=False).replace("\n", ends),
    documents,
    st.none() | st.integers(0, 2),
    st.sampled_from(["\n", "\r\n", "\r"]),
)


@given(st.lists(texts))
def test_each_message_is_an_event(messages):
    read = EventSource().receive(b"".join(event(text.encode()) for text in messages))

    assert [json.loads(each) for each in read.events] == [json.loads(text) for text in messages]


@given(st.lists(texts))
def test_each_message_is_a_line(messages):
    lines = b"".join(line(text.encode()) for text in messages).decode().split("\n")

    assert lines.pop() == ""
    assert [json.loads(each) for each in lines] == [json.loads(text) for text in messages]


@pytest.mark.parametrize("text", ["\u2028", "\u2029", "\u0085", "\x0b"])
def test_what_other_texts_take_for_a_line_break_is_none_here(text):
    message = json.dumps(text, ensure_ascii=False)

    assert EventSource().receive(event(message.encode())).events == [message]
    assert line(message.encode()).decode() == message + "\n"


def test_a_comment_is_no_event():
    assert EventSource().receive(COMMENT + event(b"1")) == EventSource(["1"])


@pytest.mark.parametrize(("reconnect_ms", "retry"), [(840, 840), (0, 0), (None, AWAY_MS)])
def test_the_last_event_tells_when_to_come_back(reconnect_ms, retry):
    source = EventSource().receive(last_event(b'{"a":\n1}', reconnect_ms))

    assert ([json.loads(text) for text in source.events], source.retry) == ([{"a": 1}], retry)
