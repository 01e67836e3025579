"""A line of the Centrifugo protocol is one command, an error that answers it, or what ends the connection."""

from __future__ import annotations

import json

import pytest

from trio_gateway.model.commands import (
    AskHistory,
    AskPresence,
    AskPresenceStatistics,
    Break,
    Call,
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
from trio_gateway.model.position import MAX_OFFSET, Position
from trio_gateway.model.replies import Error
from trio_gateway.model.tags_filter import read_filter
from trio_gateway.wire.centrifugo_requests import decode_command

ORDER = ["connect", "subscribe", "unsubscribe", "publish", "presence", "presence_stats", "history", "rpc", "send"]
ORDER += ["refresh", "sub_refresh"]
"""The methods, in the order in which one of several counts."""


def decode(**fields):
    return decode_command(json.dumps(fields).encode())


def asked(method, /, **request):
    return decode(id=1, **{method: request})


def broken(outcome):
    return isinstance(outcome, Break) and outcome.disconnect.code == 3501


# -- Commands


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ('{"id":1,"connect":{}}', Connect(1)),
        (
            '{"id":1,"connect":{"token":"t","data":{"a": 1},"name":"js","version":"1"}}',
            Connect(1, "t", b'{"a": 1}', name="js", version="1"),
        ),
        ('{"id":1,"connect":{"token":""}}', Connect(1)),
        ('{"id":1,"connect":{"headers":{"a":"b"},"flag":1,"profile":"p","dict":"d"}}', Connect(1, headers={"a": "b"})),
        (
            '{"id":1,"connect":{"subs":{"a":{"recover":true,"offset":5,"epoch":"e"},"b":{"recover":true}}}}',
            Connect(1, positions={"a": Position("e", 5), "b": Position("", 0)}),
        ),
        ('{"id":1,"connect":{"subs":{"a":{},"b":{"offset":5}}}}', Connect(1, positions={"a": None, "b": None})),
        ('{"id":2,"subscribe":{"channel":"a"}}', Subscribe(2, "a")),
        ('{"id":2,"subscribe":{"channel":"a","flag":1,"data":{}}}', Subscribe(2, "a", data=b"{}")),
        ('{"id":2,"subscribe":{"channel":"a","token":"t"}}', Subscribe(2, "a", token="t")),
        ('{"id":2,"subscribe":{"channel":"a","recover":true}}', Subscribe(2, "a", recover=Position("", 0))),
        (
            '{"id":2,"subscribe":{"channel":"a","recover":true,"offset":7,"epoch":"e","flag":3}}',
            Subscribe(2, "a", recover=Position("e", 7), rejects_unrecovered=True),
        ),
        ('{"id":2,"subscribe":{"channel":"a","offset":7,"epoch":"e"}}', Subscribe(2, "a")),
        (
            '{"id":2,"subscribe":{"channel":"a","positioned":true,"recoverable":true,"join_leave":true}}',
            Subscribe(2, "a", positioned=True, recoverable=True, join_leave=True),
        ),
        ('{"id":2,"subscribe":{"channel":"a","delta":"fossil","tf":null,"type":0}}', Subscribe(2, "a", delta=True)),
        (
            '{"id":2,"subscribe":{"channel":"a","tf":{"cmp":"ex","key":"k"}}}',
            Subscribe(2, "a", filter=read_filter(b'{"key":"k","cmp":"ex"}')),
        ),
        ('{"id":3,"unsubscribe":{"channel":"a"}}', Unsubscribe(3, "a")),
        ('{"id":3,"publish":{"channel":"a","data":{ "b": [1] }}}', Publish(3, "a", b'{ "b": [1] }')),
        ('{"id":3,"publish":{"channel":"a","data":null}}', Publish(3, "a", b"null")),
        ('{"id":3,"presence":{"channel":"a"}}', AskPresence(3, "a")),
        ('{"id":3,"presence_stats":{"channel":"a"}}', AskPresenceStatistics(3, "a")),
        ('{"id":3,"history":{"channel":"a"}}', AskHistory(3, "a")),
        ('{"id":3,"history":{"channel":"a","limit":-1,"reverse":true}}', AskHistory(3, "a", -1, reverse=True)),
        (
            '{"id":3,"history":{"channel":"a","limit":9,"since":{"offset":4,"epoch":"e"},"reverse":true}}',
            AskHistory(3, "a", 9, Position("e", 4), reverse=True),
        ),
        ('{"id":3,"history":{"channel":"a","since":{}}}', AskHistory(3, "a", since=Position("", 0))),
        ('{"id":3,"rpc":{"method":"m","data":[ ]}}', Call(3, "m", b"[ ]")),
        ('{"id":3,"rpc":{}}', Call(3, "", b"null")),
        ('{"send":{"data":"x"}}', Message(None, b'"x"')),
        ('{"send":{}}', Message(None, b"null")),
        ('{"id":3,"send":{"data":1}}', Message(None, b"1")),
        ('{"id":3,"refresh":{"token":"t"}}', Refresh(3, "t")),
        ('{"id":3,"sub_refresh":{"channel":"a","token":"t"}}', RefreshSubscription(3, "a", "t")),
        ("{}", Pong()),
        (' { "id" : 0 } ', Pong()),
        ('{"id":4294967295,"subscribe":{"channel":"\\u00fc","more":[]},"more":{}}', Subscribe(2**32 - 1, "ü")),
    ],
)
def test_a_line_becomes_its_command(text, command):
    assert decode_command(text.encode()) == command


REQUESTS = {
    "connect": Connect(5),
    "subscribe": Subscribe(5, "a"),
    "unsubscribe": Unsubscribe(5, "a"),
    "publish": Publish(5, "a", b"1"),
    "presence": AskPresence(5, "a"),
    "presence_stats": AskPresenceStatistics(5, "a"),
    "history": AskHistory(5, "a"),
    "rpc": Call(5, "", b"1"),
    "send": Message(None, b"1"),
    "refresh": Refresh(5, "t"),
    "sub_refresh": RefreshSubscription(5, "a", "t"),
}


def whole(method):
    given = {"channel": "a", "data": 1, "token": "t"}
    fields = {"connect": [], "publish": ["channel", "data"], "rpc": ["data"], "send": ["data"], "refresh": ["token"]}
    fields |= {"sub_refresh": ["channel", "token"]}
    return {name: given[name] for name in fields.get(method, ["channel"])}


@pytest.mark.parametrize("place", range(len(ORDER)))
def test_of_several_methods_the_first_in_the_protocols_order_counts(place):
    later_first = {method: whole(method) for method in reversed(ORDER[place:])}

    assert decode(id=5, **later_first) == REQUESTS[ORDER[place]]


def test_a_method_that_is_null_is_not_there():
    assert decode(id=5, connect=None, rpc={"data": 1}) == Call(5, "", b"1")


def test_a_position_beyond_all_offsets_and_epochs_stays_one():
    since = asked("history", channel="a", since={"offset": 2**64, "epoch": "e" * 65_000}).since

    assert since.offset == MAX_OFFSET
    assert 64 < len(since.epoch) < 100


# -- What ends the connection


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b" ",
        b"\xef\xbb\xbf{}",
        b"nonsense",
        b"[]",
        b'"{}"',
        b"null",
        b"1",
        b"{",
        b'{"id":1',
        b"{}{}",
        b"{'id':1}",
        b'{"id":1,"subscribe":{"channel":"\\ud800"}}',
        b'{"id":1,"rpc":{"data":NaN}}',
        b'{"id":1,"rpc":{"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
        b'{"id":1,"history":{"channel":"a","limit":' + b"9" * 5000 + b"}}",
    ],
)
def test_a_line_that_is_no_object_breaks_the_protocol(line):
    assert broken(decode_command(line))


@pytest.mark.parametrize("id", [-1, 2**32, 1.5, "1", True, None, [], {}])
def test_an_id_that_is_no_uint32_breaks_the_protocol(id):
    assert broken(decode(id=id, rpc={}))


@pytest.mark.parametrize("fields", [{}, {"nothing": {}}, {"ping": {}}, {"rpc": None}])
def test_a_command_of_no_known_method_breaks_the_protocol(fields):
    assert broken(decode(id=1, **fields))


@pytest.mark.parametrize("method", [method for method in ORDER if method != "send"])
def test_a_command_without_an_id_breaks_the_protocol(method):
    assert broken(decode(**{method: whole(method)}))


@pytest.mark.parametrize("method", [method for method in ORDER if "channel" in whole(method)])
@pytest.mark.parametrize("channel", [{}, {"channel": ""}])
def test_a_command_without_its_channel_breaks_the_protocol(method, channel):
    others = {name: value for name, value in whole(method).items() if name != "channel"}

    assert broken(asked(method, **others, **channel))


@pytest.mark.parametrize("method", ORDER)
@pytest.mark.parametrize("request_", ["x", 1, [], True])
def test_a_request_that_is_no_object_breaks_the_protocol(method, request_):
    assert broken(decode(id=1, **{method: request_}))


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("connect", {"token": 1}),
        ("connect", {"subs": []}),
        ("connect", {"subs": {"a": {"recover": 1}}}),
        ("connect", {"subs": {"a": {"offset": -1}}}),
        ("subscribe", {"channel": 5}),
        ("subscribe", {"channel": "a", "recover": "yes"}),
        ("subscribe", {"channel": "a", "offset": -1}),
        ("subscribe", {"channel": "a", "offset": "1"}),
        ("subscribe", {"channel": "a", "epoch": 1}),
        ("subscribe", {"channel": "a", "delta": "xdelta"}),
        ("history", {"channel": "a", "limit": "1"}),
        ("history", {"channel": "a", "since": "e:1"}),
        ("history", {"channel": "a", "since": {"offset": -1}}),
        ("rpc", {"method": 1}),
        ("refresh", {}),
        ("refresh", {"token": ""}),
    ],
)
def test_a_field_of_a_wrong_type_breaks_the_protocol(method, request_):
    assert broken(asked(method, **request_))


# -- What is an error for one command


@pytest.mark.parametrize(
    ("method", "request_", "code", "message"),
    [
        ("publish", {"channel": "a"}, 107, "bad request"),
        ("publish", {"channel": "a", "type": 1, "key": "k", "data": 1}, 107, "bad request"),
        ("publish", {"channel": "a", "type": 1, "key": "k", "removed": True}, 107, "bad request"),
        ("history", {"channel": "a", "reverse": True, "since": {"offset": 0, "epoch": "e"}}, 107, "bad request"),
        ("history", {"channel": "a", "reverse": True, "since": {}}, 107, "bad request"),
        ("subscribe", {"channel": "a", "tf": {"key": "k", "cmp": "eq"}}, 107, "bad request"),
        ("subscribe", {"channel": "a", "tf": [1]}, 107, "bad request"),
        *(("subscribe", {"channel": "a", "type": map_type}, 103, "permission denied") for map_type in (1, 2, 3)),
        ("subscribe", {"channel": "a", "type": 4}, 108, "not available"),
        ("subscribe", {"channel": "a", "type": 9}, 107, "bad request"),
        ("sub_refresh", {"channel": "a"}, 107, "bad request"),
        ("sub_refresh", {"channel": "a", "type": 1, "track": []}, 108, "not available"),
    ],
)
def test_what_is_not_to_be_had_here_is_an_error_for_that_command(method, request_, code, message):
    error = decode(id=2**32 - 1, **{method: request_})

    assert isinstance(error, Error)
    assert (error.ref, error.code, error.message, error.temporary) == (2**32 - 1, code, message, False)


def test_a_publish_to_an_inbox_is_a_message_to_its_user():
    assert decode_command(b'{"id":4,"publish":{"channel":"#8","data":{"a":1}}}') == Send(4, "8", b'{"a":1}')
    assert decode_command(b'{"id":4,"publish":{"channel":"#8","data":1,"type":1}}').code == 107
