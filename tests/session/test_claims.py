"""What a verified token says is read strictly, and for a connection or a subscription only."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from session.signing import SECRET, signed, verifier

from trio_gateway.model.directives import Override
from trio_gateway.model.errors import TokenExpired, Unauthorized
from trio_gateway.session.claims import ConnectionClaims, ServerSubscription, SubscriptionClaims
from trio_gateway.session.claims_reader import MAX_SUBSCRIPTIONS

NOW = 1_800_000_000


def connection(claims, *, ignore_expiry=False, **options):
    return verifier(now=NOW, **options).connection(signed(claims), ignore_expiry=ignore_expiry)


def subscription(claims, *, ignore_expiry=False, **options):
    return verifier(now=NOW, **options).subscription(signed(claims), ignore_expiry=ignore_expiry)


def base64_of(text):
    return base64.b64encode(text).decode()


def test_a_connection_token_says_all_of_this():
    claims = {
        "sub": "7",
        "exp": NOW + 60,
        "iat": NOW - 5,
        "jti": "t1",
        "info": {"name": "Ada"},
        "meta": [1, 2],
        "channels": ["news", "chat:1"],
    }

    assert connection(claims) == ConnectionClaims(
        user="7",
        expire_at=NOW + 60,
        info=b'{"name":"Ada"}',
        channels={"news": ServerSubscription(), "chat:1": ServerSubscription()},
        id="t1",
        issued_at=NOW - 5,
        meta=b"[1,2]",
    )


@pytest.mark.parametrize("claims", [{}, {"sub": ""}])
def test_a_token_without_a_user_is_for_nobody_and_says_nothing_more(claims):
    assert connection(claims) == ConnectionClaims("", 0, b"", {}, "", 0, b"")


def test_a_subscription_token_says_all_of_this():
    claims = {
        "sub": "7",
        "channel": "$chat:1",
        "client": "c1",
        "exp": NOW + 60,
        "info": {"role": "admin"},
        "data": "welcome",
        "override": {"presence": {"value": True}, "force_recovery": {"value": False}, "other": 1},
    }

    assert subscription(claims) == SubscriptionClaims(
        user="7",
        channel="$chat:1",
        client="c1",
        expire_at=NOW + 60,
        info=b'{"role":"admin"}',
        data=b'"welcome"',
        override=Override(presence=True, force_recovery=False),
    )


def test_a_subscription_token_needs_no_more_than_its_channel():
    assert subscription({"channel": "news"}) == SubscriptionClaims("", "news", "", 0, b"", b"", Override())


def test_a_token_is_for_one_of_the_two():
    with pytest.raises(Unauthorized):
        connection({"sub": "7", "channel": "news"})
    with pytest.raises(Unauthorized):
        subscription({"sub": "7"})


@pytest.mark.parametrize(
    ("times", "expire_at"),
    [
        ({}, 0),
        ({"exp": NOW + 60}, NOW + 60),
        ({"exp": NOW + 60.5}, NOW + 60.5),
        ({"expire_at": NOW + 9}, NOW + 9),
        ({"exp": NOW + 60, "expire_at": NOW + 9}, NOW + 9),
        ({"exp": NOW + 60, "expire_at": 0}, 0),
    ],
)
def test_what_a_token_opens_may_end_at_another_time_than_the_token(times, expire_at):
    assert connection({"sub": "7", **times}).expire_at == expire_at
    assert subscription({"sub": "7", "channel": "news", **times}).expire_at == expire_at


@pytest.mark.parametrize(
    "times",
    [{"exp": NOW - 5}, {"exp": 0}, {"nbf": NOW + 6}, {"iat": NOW + 6}, {"exp": NOW - 60, "expire_at": NOW + 60}],
)
def test_out_of_its_time_a_token_has_expired(times):
    with pytest.raises(TokenExpired):
        connection({"sub": "7", **times})
    with pytest.raises(TokenExpired):
        subscription({"channel": "news", **times})
    assert connection({"sub": "7", **times}, ignore_expiry=True).user == "7"
    assert subscription({"channel": "news", **times}, ignore_expiry=True).channel == "news"


def test_clocks_may_differ_by_five_seconds():
    assert connection({"sub": "7", "exp": NOW - 4, "nbf": NOW + 5, "iat": NOW + 5}).user == "7"


def test_only_a_right_signature_makes_a_token_expired():
    with pytest.raises(Unauthorized):
        verifier(now=NOW).connection(signed({"exp": 1}, key=SECRET + "x"))


@pytest.mark.parametrize(
    ("option", "claims"),
    [
        ({"token_audience": "chat"}, {"aud": "chat"}),
        ({"token_audience": "chat"}, {"aud": ["other", "chat"]}),
        ({"token_issuer": "login"}, {"iss": "login"}),
        ({}, {"aud": "anybody", "iss": "anybody"}),
    ],
)
def test_whom_a_token_is_for_and_from_is_looked_at_where_that_is_configured(option, claims):
    assert connection({"sub": "7", **claims}, **option).user == "7"


@pytest.mark.parametrize(
    ("option", "claims"),
    [
        ({"token_audience": "chat"}, {}),
        ({"token_audience": "chat"}, {"aud": "chats"}),
        ({"token_audience": "chat"}, {"aud": []}),
        ({"token_issuer": "login"}, {}),
        ({"token_issuer": "login"}, {"iss": "login."}),
    ],
)
def test_for_or_from_another_a_token_is_invalid_even_if_its_time_does_not_matter(option, claims):
    with pytest.raises(Unauthorized):
        connection({"sub": "7", **claims}, ignore_expiry=True, **option)
    with pytest.raises(Unauthorized):
        subscription({"channel": "news", **claims}, ignore_expiry=True, **option)


def test_the_user_can_stand_in_another_claim():
    assert connection({"sub": "internal", "user_id": "7"}, token_user_claim="user_id").user == "7"
    assert connection({"sub": "internal"}, token_user_claim="user_id").user == ""
    with pytest.raises(Unauthorized):
        connection({"user_id": 7}, token_user_claim="user_id")


def test_the_subscriptions_of_a_token_say_more_than_their_channels():
    subs = {
        "news": {"info": {"a": 1}, "data": None, "override": {"join_leave": {"value": True}}},
        "chat": {"b64info": base64_of(b'{ "b": 2 }'), "b64data": base64_of(b"[ 3 ]")},
        "plain": {},
        "null": None,
    }

    assert connection({"subs": subs, "channels": ["left out"]}).channels == {
        "news": ServerSubscription(info=b'{"a":1}', override=Override(join_leave=True)),
        "chat": ServerSubscription(info=b'{"b":2}', data=b"[3]"),
        "plain": ServerSubscription(),
        "null": ServerSubscription(),
    }


@pytest.mark.parametrize("empty", [{}, None])
def test_without_subscriptions_the_channels_count(empty):
    assert set(connection({"subs": empty, "channels": ["news", "news"]}).channels) == {"news"}


@pytest.mark.parametrize("name", ["info", "meta", "channels", "subs"])
def test_null_is_as_if_it_were_left_out(name):
    assert connection({name: None}) == connection({})


def test_json_stays_the_text_that_it_was_but_for_blanks():
    text = b'{"info": {"big": 123456789012345678901234567890, "e": 1.50e0, "u": "\\u00fc \xc3\xbc"}}'

    assert verifier().connection(signed(text)).info == (
        b'{"big":123456789012345678901234567890,"e":1.50e0,"u":"\\u00fc \xc3\xbc"}'
    )


def test_what_comes_in_base64_goes_before_the_rest():
    assert connection({"info": 1, "b64info": base64_of(b"2")}).info == b"2"
    assert connection({"info": 1, "b64info": ""}).info == b"1"
    claims = subscription({"channel": "news", "b64info": base64_of(b"3"), "b64data": base64_of(b"4")})
    assert (claims.info, claims.data) == (b"3", b"4")


def test_a_thousand_channels_are_not_too_many():
    channels = [f"c{number}" for number in range(MAX_SUBSCRIPTIONS)]

    assert list(connection({"channels": channels}).channels) == channels
    with pytest.raises(Unauthorized, match="1000 channels"):
        connection({"channels": [*channels, "one more"]})


WRONG = [
    *({"sub": user} for user in (7, None, True, ["7"], {"id": "7"}, "x" * 129, "line\nfeed", "\ud800")),
    *({name: time} for name in ("exp", "nbf", "iat", "expire_at") for time in (None, "1800000000", True, [], {})),
    {"aud": 1},
    {"aud": ["chat", 1]},
    {"iss": ["login"]},
    *({name: "not base64!"} for name in ("b64info",)),
    {"b64info": base64_of(b"no JSON")},
    {"b64info": base64_of(b'"\xff"')},
    {"b64info": base64_of(b"1") + "\n"},
    {"b64info": 1},
]


@pytest.mark.parametrize(
    "claims",
    [
        *WRONG,
        {"jti": 1},
        {"channel": None},
        {"channel": 1},
        {"channels": "news"},
        {"channels": [1]},
        {"channels": [""]},
        {"channels": {"news": {}}},
        {"subs": ["news"]},
        {"subs": {"": {}}},
        {"subs": {"news": []}},
        {"subs": {"news": {"b64data": "x"}}},
        {"subs": {"news": {"override": {"presence": True}}}},
        {"subs": {"news": {"override": {"presence": {}}}}},
        {"subs": {"news": {"override": {"presence": {"value": 1}}}}},
    ],
    ids=repr,
)
def test_a_connection_token_with_a_claim_of_a_wrong_type_is_invalid(claims):
    with pytest.raises(Unauthorized):
        connection({"sub": "7", **claims})


@pytest.mark.parametrize(
    "claims",
    [
        *WRONG,
        {"channel": ""},
        {"channel": None},
        {"channel": ["news"]},
        {"client": 1},
        {"b64data": "x"},
        {"override": []},
        {"override": {"presence": {"value": None}}},
    ],
    ids=repr,
)
def test_a_subscription_token_with_a_claim_of_a_wrong_type_is_invalid(claims):
    with pytest.raises(Unauthorized):
        subscription({"channel": "news", **claims})


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b'"7"',
        b'{"sub":"7"',
        b'{"sub":"7"}{}',
        b'{"exp":1e999}',
        b'{"exp":NaN}',
        b'{"exp":' + b"9" * 400 + b"}",
        b'{"sub":"\xff"}',
        b'{"info":"\xff"}',
        b'{"info":' + b"[" * 60_000 + b"]" * 60_000 + b"}",
        b'{"other":' + b"[" * 60_000 + b"]" * 60_000 + b"}",
    ],
    ids=lambda text: repr(text[:30]),
)
def test_claims_that_are_no_json_object_make_a_token_invalid(text):
    with pytest.raises(Unauthorized):
        verifier().connection(signed(text))


NAMES = [
    "sub",
    "exp",
    "nbf",
    "iat",
    "aud",
    "iss",
    "expire_at",
    "info",
    "b64info",
    "meta",
    "jti",
    "channel",
    "channels",
    "subs",
    "client",
    "data",
    "b64data",
    "override",
]

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from([NOW - 60, NOW + 60, "MQ==", "news"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*NAMES, "presence", "value", "news", ""]) | st.text(max_size=5), inner, max_size=4
        )
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(NAMES), JSON), st.booleans())
def test_whatever_an_issuer_signs_is_understood_or_refused(claims, ignore_expiry):
    token = signed(claims)
    for read in (verifier(now=NOW).connection, verifier(now=NOW, token_user_claim="data").subscription):
        try:
            said = read(token, ignore_expiry=ignore_expiry)
        except (Unauthorized, TokenExpired):
            continue
        for text in (said.info, getattr(said, "data", b""), getattr(said, "meta", b"")):
            assert not text or json.loads(text) is not None
