"""The opening is read without a secret; who the client is depends on its token, or on an insecure server's trust."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_gateway.model.errors import BadRequest, RequestError, Unauthorized
from trio_gateway.model.position import START, Position
from trio_gateway.model.user import User
from trio_gateway.session import opening as openings
from trio_gateway.session.opening import read_opening, read_sdk_opening
from trio_gateway.session.tokens import Verifier, make_token
from trio_gateway.settings.settings import Settings
from trio_gateway.wire.request import Request

SECRET = "a secret of thirty-two bytes ..."
TOKEN = make_token(SECRET, "7")


def request(query=None, headers=None, subprotocols=()):
    values = {name: value if isinstance(value, tuple) else (value,) for name, value in (query or {}).items()}
    return Request("/ws", values, headers or {}, "localhost", None, tuple(subprotocols))


def opening(**places):
    return read_opening(request(**places))


def identify(opened, secret, *, insecure):
    return openings.identify(opened, Verifier.of(Settings(token_secret=secret or None)), insecure=insecure).user


# -- Reading


def test_everything_is_optional():
    nothing = opening()

    assert (nothing.token, nothing.user, nothing.device, nothing.since) == (None, None, None, None)
    assert not nothing.json_ping
    assert nothing.subprotocol is None


@pytest.mark.parametrize(
    "places",
    [
        {"query": {"token": "t"}},
        {"headers": {"authorization": "Bearer t"}},
        {"headers": {"authorization": "bearer  t "}},
        {"subprotocols": ["trio-gateway", "t"]},
        {"subprotocols": ["other", "trio-gateway", "t"]},
        {"query": {"token": "t"}, "headers": {"authorization": "Bearer t"}, "subprotocols": ["trio-gateway", "t"]},
    ],
)
def test_a_token_is_taken_from_each_of_its_places(places):
    assert opening(**places).token == "t"


def test_another_scheme_of_authorization_is_no_token():
    assert opening(headers={"authorization": "Basic dXNlcjpwYXNz"}).token is None


@pytest.mark.parametrize(
    "places",
    [
        {"query": {"token": "t"}, "headers": {"authorization": "Bearer u"}},
        {"query": {"token": "t"}, "subprotocols": ["trio-gateway", "u"]},
        {"headers": {"authorization": "Bearer t"}, "subprotocols": ["trio-gateway", "u"]},
    ],
)
def test_tokens_that_disagree_are_malformed(places):
    with pytest.raises(BadRequest, match="token"):
        opening(**places)


@pytest.mark.parametrize("subprotocols", [["trio-gateway"], ["trio-gateway", "t"], ["x", "trio-gateway"]])
def test_the_gateways_subprotocol_is_picked_when_it_is_offered(subprotocols):
    assert opening(subprotocols=subprotocols).subprotocol == "trio-gateway"


def test_another_subprotocol_is_not_picked_and_is_no_token():
    other = opening(subprotocols=["graphql-ws", "t"])

    assert (other.subprotocol, other.token) == (None, None)


def test_user_and_uid_are_one_parameter():
    assert opening(query={"user": "7"}).user == "7"
    assert opening(query={"uid": "7"}).user == "7"
    assert opening(query={"uid": "7", "user": "7"}).user == "7"
    with pytest.raises(BadRequest):
        opening(query={"uid": "7", "user": "8"})


@pytest.mark.parametrize(
    ("since", "position"),
    [("0", START), ("abc:0", Position("abc", 0)), ("a:b:12", Position("a:b", 12))],
)
def test_since_is_a_position_or_everything_kept(since, position):
    assert opening(query={"since": since}).since == position


def test_a_device_is_taken():
    assert opening(query={"device": "Phone-1.a_b"}).device == "Phone-1.a_b"


def test_json_pings_are_asked_for_by_name():
    assert opening(query={"ping": "json"}).json_ping


def test_unknown_parameters_are_ignored():
    assert opening(query={"utm_source": ("x", "y"), "user": "7"}).user == "7"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("device", ""),
        ("device", "a b"),
        ("device", "x" * 65),
        ("device", "ü"),
        ("since", ""),
        ("since", "abc"),
        ("since", "abc:-1"),
        ("since", "abc:9007199254740992"),
        ("since", ":5"),
        ("ping", ""),
        ("ping", "text"),
        *((name, ("x", "x")) for name in ("token", "user", "uid", "device", "since", "ping")),
    ],
)
def test_a_malformed_or_repeated_parameter_is_refused(name, value):
    with pytest.raises(BadRequest):
        opening(query={name: value})


def test_an_opening_does_not_show_its_token():
    assert "t0ken" not in repr(opening(query={"token": "t0ken"}))


# -- Identifying


def test_a_valid_token_names_the_user():
    assert identify(opening(query={"token": TOKEN}), SECRET, insecure=False) == User("7")


@pytest.mark.parametrize("insecure", [True, False])
def test_a_token_wins_over_a_claimed_user(insecure):
    claimed = opening(query={"token": TOKEN, "user": "8"})

    assert identify(claimed, SECRET, insecure=insecure) == User("7")


def test_a_claimed_user_counts_on_an_insecure_server():
    assert identify(opening(query={"user": "8"}), None, insecure=True) == User("8")


@pytest.mark.parametrize("query", [{}, {"user": "8"}, {"user": ""}, {"uid": "8"}])
def test_a_claimed_user_counts_nowhere_else(query):
    with pytest.raises(Unauthorized):
        identify(opening(query=query), SECRET, insecure=False)


@pytest.mark.parametrize("secret", [SECRET, None, ""])
@pytest.mark.parametrize("token", ["", "nonsense"])
def test_an_invalid_token_is_refused_on_an_insecure_server_too(token, secret):
    with pytest.raises(Unauthorized):
        identify(opening(query={"token": token, "user": "8"}), secret, insecure=True)


def test_a_server_without_a_secret_takes_no_token():
    with pytest.raises(Unauthorized):
        identify(opening(query={"token": TOKEN}), None, insecure=True)


def test_an_insecure_server_wants_a_user():
    with pytest.raises(Unauthorized):
        identify(opening(), None, insecure=True)


@pytest.mark.parametrize("user", ["", "x" * 129, "line\nfeed"])
def test_a_claimed_user_id_that_no_user_can_have_is_malformed(user):
    with pytest.raises(BadRequest):
        identify(opening(query={"user": user}), None, insecure=True)


@given(
    st.dictionaries(st.sampled_from(["token", "user", "uid", "device", "since", "ping"]), st.text(max_size=20)),
    st.lists(st.text(max_size=8), max_size=3),
    st.text(max_size=20),
    st.booleans(),
)
def test_whatever_a_request_says_it_gets_a_user_or_a_refusal(query, subprotocols, authorization, insecure):
    try:
        user = identify(
            opening(query=query, subprotocols=subprotocols, headers={"authorization": authorization}),
            SECRET,
            insecure=insecure,
        )
    except RequestError:
        return
    assert insecure
    assert user.id in (query.get("user"), query.get("uid"))


# -- Clients of the Centrifugo protocol


@pytest.mark.parametrize(
    ("offered", "answered", "unspoken"),
    [
        ([], None, False),
        (["centrifuge-json"], "centrifuge-json", False),
        (["centrifuge-protobuf"], "centrifuge-protobuf", True),
        (["centrifuge-protobuf", "centrifuge-json"], "centrifuge-json", False),
        (["centrifuge-json", "centrifuge-protobuf"], "centrifuge-json", False),
        (["trio-gateway", "t"], None, False),
        (["graphql-ws"], None, False),
    ],
)
def test_of_an_sdks_subprotocols_json_is_spoken_and_the_binary_one_is_picked_to_be_closed(offered, answered, unspoken):
    opened = read_sdk_opening(request(subprotocols=offered))

    assert (opened.subprotocol, opened.unspoken) == (answered, unspoken)


@pytest.mark.parametrize(
    ("query", "unspoken"),
    [
        ({"format": "protobuf"}, True),
        ({"cf_protocol": "protobuf"}, True),
        ({"format": "json"}, False),
        ({"cf_protocol": "json"}, False),
        ({"format": "json", "cf_protocol": "protobuf"}, True),
        ({}, False),
    ],
)
def test_an_sdk_may_ask_for_the_binary_protocol_in_the_query(query, unspoken):
    assert read_sdk_opening(request(query)).unspoken is unspoken


@pytest.mark.parametrize(("value", "json_ping"), [("true", False), ("false", True), ("", True), (None, True)])
def test_an_sdk_is_pinged_in_the_protocol_unless_it_asks_for_frames(value, json_ping):
    query = {} if value is None else {"cf_ws_frame_ping_pong": value}

    assert read_sdk_opening(request(query)).json_ping is json_ping


@pytest.mark.parametrize("name", ["format", "cf_protocol", "cf_ws_frame_ping_pong"])
def test_an_sdks_parameter_that_is_repeated_is_refused(name):
    with pytest.raises(BadRequest):
        read_sdk_opening(request({name: ("true", "true")}))


def test_what_an_sdk_says_elsewhere_is_ignored():
    opened = read_sdk_opening(request({"token": "t", "since": "nonsense", "device": ("a", "b")}))

    assert (opened.subprotocol, opened.json_ping, opened.unspoken) == (None, True, False)
