"""The Centrifugo codec reads a frame line by line, and decodes what a second reading of the protocol's text says."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from wire.server_frames import text_of

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
    Subscribe,
    Unsubscribe,
)
from trio_gateway.model.position import Position
from trio_gateway.model.presence import Passage
from trio_gateway.model.publication import Gap, Publication
from trio_gateway.model.replies import Error, Ping, Unsubscribed
from trio_gateway.wire.centrifugo import CentrifugoCodec
from trio_gateway.wire.centrifugo_requests import decode_command
from trio_gateway.wire.codec import Codec

CODEC: Codec = CentrifugoCodec("1.0")
ONE = b'{"id":1,"rpc":{}}'
TWO = b'{"id":2,"rpc":{}}'
MISSING = b'{"id":3,"publish":{"channel":"a"}}'


def kinds(text):
    return [type(command) for command in CODEC.decode(text)]


# -- Frames of several lines


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        (b"{}", [Pong]),
        (ONE, [Call]),
        (ONE + b"\n", [Call]),
        (ONE + b"\n" + TWO, [Call, Call]),
        (ONE + b"\n" + TWO + b"\n", [Call, Call]),
        (ONE + b"\r\n{}\n" + MISSING + b"\n" + TWO, [Call, Pong, Error, Call]),
        (b"", [Break]),
        (b"\n", [Break]),
        (ONE + b"\n\n", [Call, Break]),
        (ONE + b"\n\n" + TWO, [Call, Break]),
        (b"\n" + ONE, [Break]),
        (ONE + b"\nnonsense\n" + TWO, [Call, Break]),
        (ONE + b"\n \n" + TWO, [Call, Break]),
        (b'{"id":1,\n"rpc":{}}', [Break]),
        (ONE + TWO, [Break]),
    ],
)
def test_a_frame_is_one_command_a_line_up_to_one_that_breaks_the_protocol(text, decoded):
    assert kinds(text) == decoded


def test_commands_come_in_the_order_of_their_lines():
    assert [command.ref for command in CODEC.decode(TWO + b"\n" + MISSING + b"\n" + ONE)] == [2, 3, 1]


nearly_commands = st.text(st.sampled_from('{}[]",:\\ \n\x00idsenrpc0123456789.eE+-tfaul'), max_size=40)


@given(st.lists(st.text() | nearly_commands | st.sampled_from([ONE.decode(), MISSING.decode(), "{}"])).map("\n".join))
@example("\ufeff{}")
def test_arbitrary_text_becomes_commands_errors_and_at_most_one_break_at_the_end(text):
    commands = CODEC.decode(text.encode())

    assert commands
    for command in commands[:-1]:
        assert isinstance(command, (Call, Pong, Error, Message))
    assert all(command.code == 107 for command in commands if isinstance(command, Error))
    if isinstance(last := commands[-1], Break):
        assert last.disconnect.code == 3501
    else:
        assert len(commands) == text.removesuffix("\n").count("\n") + 1


# -- A second reading of the protocol's text

TEXT, FLAG, NUMBER, OFFSET, ANY, PLACES, PLACE = "text", "flag", "number", "offset", "any", "places", "place"
OF_PLACE = {"offset": OFFSET, "epoch": TEXT}
FIELDS = {
    "connect": {"token": TEXT, "data": ANY, "subs": PLACES},
    "subscribe": {
        "channel": TEXT,
        "token": TEXT,
        **dict.fromkeys(("recover", "positioned", "recoverable", "join_leave"), FLAG),
        **OF_PLACE,
        "delta": TEXT,
        "tf": ANY,
        "flag": NUMBER,
        "type": NUMBER,
    },
    "unsubscribe": {"channel": TEXT},
    "publish": {"channel": TEXT, "data": ANY, "type": NUMBER},
    "presence": {"channel": TEXT},
    "presence_stats": {"channel": TEXT},
    "history": {"channel": TEXT, "limit": NUMBER, "since": PLACE, "reverse": FLAG},
    "rpc": {"method": TEXT, "data": ANY},
    "send": {"data": ANY},
    "refresh": {"token": TEXT},
    "sub_refresh": {"channel": TEXT, "token": TEXT, "type": NUMBER},
}
IS_OF = {
    TEXT: lambda value: isinstance(value, str),
    FLAG: lambda value: isinstance(value, bool),
    NUMBER: lambda value: type(value) is int,
    OFFSET: lambda value: type(value) is int and value >= 0,
    ANY: lambda _value: True,
    PLACE: lambda value: value is None or is_object(value, OF_PLACE),
    PLACES: lambda value: (
        isinstance(value, dict) and all(is_object(one, {**OF_PLACE, "recover": FLAG}) for one in value.values())
    ),
}


def is_object(value, fields):
    return isinstance(value, dict) and all(
        IS_OF[fields[name]](given) for name, given in value.items() if name in fields
    )


def text(value):
    return json.dumps(value).encode()


def place(given):
    return Position(given.get("epoch", ""), given.get("offset", 0))


def read_again(line):
    """Say what a line comes to: a command, the code of an error, or of a disconnect."""
    id, requests = line.get("id", 0), {name: value for name, value in line.items() if name in FIELDS}
    if not (type(id) is int and 0 <= id < 2**32):
        return 3501
    if not all(value is None or is_object(value, FIELDS[method]) for method, value in requests.items()):
        return 3501
    method = next((method for method in FIELDS if requests.get(method) is not None), None)
    if method is None:
        return 3501 if id else Pong()
    given = requests[method]
    if (not id and method != "send") or ("channel" in FIELDS[method] and not given.get("channel")):
        return 3501
    return READINGS[method](id, given)


def subscribe(id, given):
    if given.get("delta", "") not in ("", "fossil"):
        return 3501
    if given.get("type"):
        return {1: 103, 2: 103, 3: 103, 4: 108}.get(given["type"], 107)
    if given.get("tf") is not None:
        return 107
    wishes = {wish: given.get(wish, False) for wish in ("positioned", "recoverable", "join_leave")}
    recover = place(given) if given.get("recover") else None
    rejects = given.get("flag", 0) // 2 % 2 == 1
    return Subscribe(id, given["channel"], None, recover, given.get("token", ""), rejects_unrecovered=rejects, **wishes)


def history(id, given):
    since = None if given.get("since") is None else place(given["since"])
    reverse = given.get("reverse", False)
    if reverse and since is not None and since.offset == 0:
        return 107
    return AskHistory(id, given["channel"], given.get("limit", 0), since, reverse)


def connect(id, given):
    positions = {channel: place(one) if one.get("recover") else None for channel, one in given.get("subs", {}).items()}
    return Connect(id, given.get("token") or None, text(given["data"]) if "data" in given else b"", positions)


READINGS = {
    "connect": connect,
    "subscribe": subscribe,
    "unsubscribe": lambda id, given: Unsubscribe(id, given["channel"]),
    "publish": lambda id, given: (
        107 if "data" not in given or given.get("type") else Publish(id, given["channel"], text(given["data"]))
    ),
    "presence": lambda id, given: AskPresence(id, given["channel"]),
    "presence_stats": lambda id, given: AskPresenceStatistics(id, given["channel"]),
    "history": history,
    "rpc": lambda id, given: Call(id, given.get("method", ""), text(given.get("data"))),
    "send": lambda _id, given: Message(None, text(given.get("data"))),
    "refresh": lambda id, given: Refresh(id, given["token"]) if given.get("token") else 3501,
    "sub_refresh": lambda id, given: (
        108
        if given.get("type")
        else RefreshSubscription(id, given["channel"], given["token"])
        if given.get("token")
        else 107
    ),
}

wrong = st.sampled_from([None, True, 0, -1, 1.5, "", "x", [], {}, {"a": 1}])
right = {
    TEXT: st.text(max_size=4) | st.sampled_from(["", "fossil", "a", "$a:b"]),
    FLAG: st.booleans(),
    NUMBER: st.integers(-2, 9) | st.just(0),
    OFFSET: st.integers(0, 2**53 - 1) | st.just(0),
    ANY: st.none() | st.integers() | st.text(max_size=4) | st.lists(st.booleans(), max_size=2),
}
right[PLACE] = st.fixed_dictionaries({}, optional={name: right[kind] for name, kind in OF_PLACE.items()}) | st.none()
right[PLACES] = st.dictionaries(
    st.text(max_size=3),
    st.fixed_dictionaries(
        {}, optional={"recover": right[FLAG], **{name: right[kind] for name, kind in OF_PLACE.items()}}
    ),
    max_size=2,
)


def requests(fields, *, careful):
    values = {name: right[kind] if careful else right[kind] | wrong for name, kind in fields.items()}
    needed = {"channel": values.pop("channel")} if careful and "channel" in fields else {}
    return st.fixed_dictionaries(needed, optional={**values, "unknown": right[ANY]})


def lines(*, careful):
    ids = st.integers(1, 2**32 - 1)
    methods = {method: requests(fields, careful=careful) for method, fields in FIELDS.items()}
    one = st.one_of([st.fixed_dictionaries({method: request}) for method, request in methods.items()])
    some = st.fixed_dictionaries({}, optional={method: request | wrong for method, request in methods.items()})
    more = st.fixed_dictionaries({}, optional={"id": ids if careful else ids | wrong})
    return st.builds(lambda left, right: {**left, **right}, one if careful else one | some, more)


@given(lines(careful=True) | lines(careful=False))
def test_a_line_is_decoded_as_the_protocols_text_says(line):
    decoded, expected = decode_command(json.dumps(line).encode()), read_again(line)

    if isinstance(decoded, Break):
        assert decoded.disconnect.code == expected
    elif isinstance(decoded, Error):
        assert (decoded.ref, decoded.code) == (line["id"], expected)
    else:
        assert decoded == expected


# -- The codec's other half


def test_replies_and_pushes_are_text_frames():
    publication, passage = Publication(1, 0, b"1", 5), Passage(joined=True, info=b"{}")
    head = CODEC.publication_head("a", "e")

    assert CODEC.name == "centrifugo"
    assert text_of(CODEC.encode(Ping())) == "{}"
    assert text_of(CODEC.encode(Unsubscribed(1))) == '{"id":1,"unsubscribe":{}}'
    assert text_of(CODEC.encode_passage("a", passage)) == '{"push":{"channel":"a","join":{"info":{}}}}'
    assert (
        text_of(CODEC.encode_publication(head, publication)) == '{"push":{"channel":"a","pub":{"data":1,"offset":1}}}'
    )


def test_nobody_is_told_of_a_gap():
    assert CODEC.encode_gap("a", Gap(1, 2, "e", 2)) == b""
