"""A frame of the plain protocol is one command, or an error that says what is wrong with it."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trio_gateway.model.commands import (
    Acknowledge,
    Message,
    Pong,
    Publish,
    Send,
    Subscribe,
    Unsubscribe,
)
from trio_gateway.model.position import START, Position
from trio_gateway.model.replies import Error
from trio_gateway.wire.plain_requests import decode_request


def decode(**fields):
    return decode_request(json.dumps(fields).encode())


# -- Commands


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ('{"type":"send","to":"8","data":{"a": 1},"id":"m1","ref":1}', Send(1, "8", b'{"a": 1}', "m1")),
        ('{"type":"send","to":"8","data":null}', Send(None, "8", b"null")),
        ('{"type":"publish","channel":"news","data":"x","ref":"r"}', Publish("r", "news", b'"x"')),
        ('{"type":"publish","channel":"news","data":[],"id":"m2"}', Publish(None, "news", b"[]", "m2")),
        ('{"type":"message","data":1.50,"ref":1.5}', Message(1.5, b"1.50")),
        ('{"type":"subscribe","channel":"news","ref":3}', Subscribe(3, "news")),
        ('{"type":"subscribe","channel":"news","data":[1]}', Subscribe(None, "news", data=b"[1]")),
        ('{"type":"subscribe","channel":"news","since":"0"}', Subscribe(None, "news", START)),
        ('{"type":"subscribe","channel":"news","since":"e:7"}', Subscribe(None, "news", Position("e", 7))),
        ('{"type":"unsubscribe","channel":"news","ref":4}', Unsubscribe(4, "news")),
        ('{"type":"ack","offset":12}', Acknowledge(None, 12)),
        ('{"type":"ack","offset":9007199254740991,"epoch":"e","ref":0}', Acknowledge(0, 2**53 - 1, "e")),
        ('{"type":"pong"}', Pong()),
        (' { "ref" : null , "data" : 1 , "type" : "message" , "more" : {} } ', Message(None, b"1")),
        ('{"type":"send","to":"jürgen","data":"€"}', Send(None, "jürgen", '"€"'.encode())),
        ('{"type":"send","to":"\\ud83d\\ude00","data":"\\ud83d\\ude00"}', Send(None, "😀", b'"\\ud83d\\ude00"')),
    ],
)
def test_a_frame_becomes_its_command(text, command):
    assert decode_request(text.encode()) == command


@pytest.mark.parametrize("ref", [0, -1, 2**63 - 1, -(2**63), 1.5, 1e300, "", "x" * 128, "ü", None])
def test_a_reference_is_any_number_or_string(ref):
    assert decode(type="message", data=1, ref=ref) == Message(ref, b"1")


# -- Errors


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "hello",
        "1",
        "null",
        "[]",
        '"send"',
        '[{"type":"pong"}]',
        "{}",
        '{"type":null}',
        '{"type":5}',
        '{"Type":"pong"}',
        '{"type":"pong"',
        '{"type":"pong"}{"type":"pong"}',
        '{"type":"pong"}\n{"type":"pong"}',
        '{"type":"pong",}',
        "{'type':'pong'}",
        '\ufeff{"type":"pong"}',
        '{"type":"send","to":"8"}',
        '{"type":"send","data":1}',
        '{"type":"send","to":8,"data":1}',
        '{"type":"send","to":"","data":1}',
        '{"type":"send","to":"line\\nfeed","data":1}',
        '{"type":"send","to":"\\ud800","data":1}',
        '{"type":"send","to":"8","data":}',
        '{"type":"send","to":"8","data":NaN}',
        '{"type":"send","to":"8","data":"\\ud800"}',
        '{"type":"send","to":"8","data":"\\x41"}',
        '{"type":"send","to":"8","data":"\t"}',
        '{"type":"send","to":"8","data":01}',
        '{"type":"send","to":"8","data":1,"id":7}',
        '{"type":"send","to":"8","data":1,"id":"line\\nfeed"}',
        '{"type":"send","to":"8","data":1,"id":"\\u0085"}',
        '{"type":"publish","channel":"\\udc00","data":1}',
        '{"type":"publish","channel":null,"data":1}',
        '{"type":"publish","channel":"news"}',
        '{"type":"message"}',
        '{"type":"subscribe"}',
        '{"type":"subscribe","channel":"news","since":0}',
        '{"type":"subscribe","channel":"news","since":"now"}',
        '{"type":"subscribe","channel":"news","since":"e:9007199254740992"}',
        '{"type":"unsubscribe","channel":["news"]}',
        '{"type":"ack"}',
        '{"type":"ack","offset":-1}',
        '{"type":"ack","offset":1.5}',
        '{"type":"ack","offset":"1"}',
        '{"type":"ack","offset":true}',
        '{"type":"ack","offset":9007199254740992}',
        '{"type":"ack","offset":1,"epoch":1}',
        '{"type":"pong","ref":true}',
        '{"type":"pong","ref":{}}',
        '{"type":"pong","ref":1e999}',
        '{"type":"pong","ref":9223372036854775808}',
        '{"type":"pong","ref":' + "1" * 5000 + "}",
        '{"type":"pong","ref":"' + "x" * 129 + '"}',
        '{"type":"pong","ref":"\\ud800"}',
    ],
)
def test_a_frame_that_can_not_be_read_is_a_bad_request_without_reference(text):
    error = decode_request(text.encode())

    assert isinstance(error, Error)
    assert (error.ref, error.code) == (None, 107)


@pytest.mark.parametrize("ref", [5, "r", 1.5])
@pytest.mark.parametrize(
    "fields",
    [
        {"type": "send", "to": "8"},
        {"type": "send", "to": "x" * 129, "data": 1},
        {"type": "send", "to": "8", "data": 1, "id": "ü" * 65},
        {"type": "subscribe", "channel": "news", "since": "?"},
        {"type": "ack", "offset": -1},
        {"type": None},
        {},
    ],
)
def test_a_wrong_field_is_answered_with_the_reference(ref, fields):
    error = decode(**fields, ref=ref)

    assert (error.ref, error.code) == (ref, 107)


def test_an_unknown_type_is_no_method():
    assert decode(type="dance", ref=6) == Error(6, 104, "method not found")
    assert decode(type="") == Error(None, 104, "method not found")


def test_an_unknown_type_with_a_wrong_reference_is_answered_without_it():
    assert decode(type="dance", ref=[]) == Error(None, 104, "method not found")


def test_a_reference_behind_broken_text_is_not_read():
    assert decode_request(b'{"ref":1,"type":"send","to":').ref is None


def test_the_error_names_the_wrong_field():
    assert "$.offset" in decode(type="ack", offset="1").detail
    assert "`data`" in decode(type="message").detail
    assert "user id" in decode(type="send", to="", data=1).detail


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
@pytest.mark.parametrize("where", [b"%b", b'{"type":"message","data":%b', b'{"type":"pong","x":%b'])
def test_endless_nesting_is_a_bad_request(opening, where):
    assert decode_request(where % (opening * 20_000)).code == 107


def test_nesting_that_closes_again_is_too_deep_all_the_same():
    assert decode_request(b'{"type":"message","data":' + b"[" * 30_000 + b"]" * 30_000 + b"}").code == 107


# -- Data passes through untouched

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(json_values, st.booleans(), st.sampled_from([None, 1, 3]))
def test_data_is_the_text_that_came(value, ascii_only, indent):
    data = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode("utf-8", "surrogatepass")

    assert decode_request(b'{"type":"message","data": %b ,"ref":1}' % data) == Message(1, data)


NEARLY_JSON = st.text(st.sampled_from('{}[]",:\\/ \t\n\x00\x7fu012deE+-.DcétfnrulasNI'), max_size=14)


@given(NEARLY_JSON | st.text(max_size=14) | NEARLY_JSON.map(lambda text: f'"{text}"'))
@example('"\\ud800"')
@example("-0.0e-0")
@example("1E400")
@example("[1,]")
@example('{"a":1,"a":2}')
def test_data_that_python_refuses_is_refused(data):
    command = decode_request(b'{"type":"message","data":%b,"ref":1}' % data.encode())

    if isinstance(command, Message):
        json.loads(command.data)


@given(st.text(max_size=60) | NEARLY_JSON | st.builds(json.dumps, json_values))
def test_arbitrary_text_becomes_an_error_and_never_an_exception(text):
    error = decode_request(text.encode("utf-8", "replace"))

    assert isinstance(error, Error)


fields = st.sampled_from(["to", "channel", "data", "id", "ref", "since", "offset", "epoch"])
types = st.sampled_from(["send", "publish", "message", "subscribe", "unsubscribe", "ack", "pong"])


@given(types, st.dictionaries(fields, json_values, max_size=5))
def test_frames_with_arbitrary_fields_are_answered(kind, values):
    command = decode(type=kind, **values)

    if isinstance(command, Error):
        assert command.code == 107
