"""Who is let in at a connect of the Centrifugo protocol, and with what; who is not learns it by the protocol's codes."""

from __future__ import annotations

import pytest
from session.signing import OTHER_SECRET, signed
from session.strict_session import NOW, ended_by, settings_of

from trio_gateway.model.commands import Connect
from trio_gateway.model.directives import Override
from trio_gateway.model.errors import BadRequest, Expired, TokenExpired, UnknownChannel
from trio_gateway.model.user import ANONYMOUS, User
from trio_gateway.session.claims import ServerSubscription
from trio_gateway.session.connecting import Admission, admit
from trio_gateway.session.tokens import Verifier
from trio_gateway.settings.namespaces import ChannelRules


def connect(claims=None, *, token=None, data=b"", user=None, **options):
    settings = settings_of(**options)
    verifier = Verifier.of(settings, clock=lambda: NOW)
    token = token if claims is None else signed(claims)
    return admit(Connect(1, token, data), settings, verifier, user, NOW)


def refused(**options):
    return ended_by(lambda: connect(**options))


# -- Without a token


def test_without_a_token_nobody_is_let_in():
    assert refused() == 3501


@pytest.mark.parametrize("option", ["allow_anonymous_connect_without_token", "insecure"])
def test_without_a_token_a_client_is_nobody_where_the_settings_say_so(option):
    assert connect(**{option: True}, data=b'{"device":"phone"}') == Admission(user=ANONYMOUS)


def test_tokens_that_name_nobody_may_be_refused_and_no_token_allowed():
    options = {"allow_anonymous_connect_without_token": True, "disallow_anonymous_connection_tokens": True}

    assert connect(**options) == Admission(user=ANONYMOUS)


def test_who_the_application_let_in_needs_no_token():
    assert connect(user=User("9"), data=b'{"device":"phone"}') == Admission(user=User("9"), device="phone")


# -- With a token


def test_a_token_says_who_it_is_and_the_rest():
    claims = {"sub": "7", "exp": NOW + 60, "info": {"a": 1}, "channels": ["a", "b"], "jti": "t1", "iat": NOW - 5}

    assert connect(claims) == Admission(
        user=User("7"),
        info=b'{"a":1}',
        expire_at=NOW + 60,
        channels={"a": ServerSubscription(), "b": ServerSubscription()},
        token_id="t1",
        issued_at=NOW - 5,
        by_token=True,
    )


def test_subs_count_instead_of_channels_and_say_how():
    override = {"presence": {"value": True}}
    claims = {"sub": "7", "channels": ["a"], "subs": {"b": {"info": 1, "data": [2], "override": override}}}

    assert connect(claims).channels == {"b": ServerSubscription(b"1", b"[2]", Override(presence=True))}


@pytest.mark.parametrize("claims", [{}, {"sub": ""}])
def test_a_token_may_name_nobody_unless_that_is_forbidden(claims):
    assert connect(claims).user == ANONYMOUS
    assert refused(claims=claims, disallow_anonymous_connection_tokens=True) == 3507


@pytest.mark.parametrize("claims", [{"exp": NOW - 60}, {"exp": NOW - 5}, {"nbf": NOW + 60}, {"exp": 0}])
def test_a_token_out_of_its_time_is_answered_so_that_the_client_brings_a_new_one(claims):
    with pytest.raises(TokenExpired) as refusal:
        connect({"sub": "7", **claims})
    assert refusal.value.code == 109


@pytest.mark.parametrize("exp", [NOW - 4, NOW, NOW + 1])
def test_a_token_that_has_just_expired_counts_as_clocks_differ(exp):
    assert connect({"sub": "7", "exp": exp}).expire_at == exp


def test_a_connection_may_expire_later_than_its_token_or_never():
    assert connect({"sub": "7", "exp": NOW + 5, "expire_at": NOW + 600}).expire_at == NOW + 600
    assert connect({"sub": "7", "exp": NOW + 5, "expire_at": 0}).expire_at == 0


@pytest.mark.parametrize("expire_at", [NOW - 60, -1])
def test_a_connection_that_is_to_have_expired_is_refused(expire_at):
    with pytest.raises(Expired) as refusal:
        connect({"sub": "7", "expire_at": expire_at})
    assert refusal.value.code == 110


@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        "a.b.c",
        signed({"sub": "7"}, key=OTHER_SECRET),
        signed({"sub": 7}),
        signed({"sub": "line\nfeed"}),
        signed({"sub": "7", "channel": "a"}),
        signed({"sub": "7", "channels": "a"}),
        signed({"sub": "7", "channels": [""]}),
        signed({"sub": "7", "exp": "soon"}),
        signed({"sub": "7", "channel": "a", "exp": NOW - 60}),
    ],
)
def test_a_token_that_is_none_ends_the_connection_for_good(token):
    assert refused(token=token) == 3500


@pytest.mark.parametrize(
    ("claims", "options"),
    [
        ({"aud": "other"}, {"token_audience": "chat"}),
        ({}, {"token_audience": "chat"}),
        ({"iss": "other"}, {"token_issuer": "example.com"}),
        ({"iss": "other", "exp": NOW - 60}, {"token_issuer": "example.com"}),
        ({}, {"token_secret": None}),
    ],
)
def test_a_token_for_somewhere_else_ends_the_connection_for_good(claims, options):
    assert refused(claims={"sub": "7", **claims}, **options) == 3500


def test_no_token_is_looked_over_where_none_is_needed():
    assert refused(token="nonsense", allow_anonymous_connect_without_token=True) == 3500


def test_an_insecure_server_verifies_a_token_but_not_its_time():
    assert connect({"sub": "7", "exp": NOW - 60}, insecure=True).user == User("7")
    assert connect({"sub": "7", "expire_at": NOW - 60}, insecure=True).user == User("7")
    assert refused(token="nonsense", insecure=True) == 3500


# -- Channels from the server's side


@pytest.mark.parametrize("claims", [{"channels": ["a", "nowhere:x"]}, {"subs": {"$nowhere:x": {}}}])
def test_a_token_with_a_channel_of_no_namespace_is_answered(claims):
    with pytest.raises(UnknownChannel) as refusal:
        connect({"sub": "7", **claims})
    assert refusal.value.code == 102


def test_a_token_may_name_as_many_channels_as_a_client_may_have():
    options = {"max_channels": 2, "named": {"n": ChannelRules()}}

    assert len(connect({"sub": "7", "channels": ["a", "n:b", "a"]}, **options).channels) == 2
    assert refused(claims={"sub": "7", "channels": ["a", "n:b", "$c"]}, **options) == 3505


def test_the_own_inbox_need_not_be_named_and_is_no_further_channel():
    claims = {"sub": "7", "channels": ["#7", "a"]}

    assert list(connect(claims, max_channels=1).channels) == ["a"]


# -- Devices


@pytest.mark.parametrize("data", [b'{"device":"phone"}', b'{"device":"phone","more":[1]}', b' { "device" : "phone" } '])
def test_a_device_is_named_in_the_connects_data(data):
    assert connect({"sub": "7"}, data=data).device == "phone"


@pytest.mark.parametrize(
    "data", [b"", b"null", b"1", b'"phone"', b"[]", b"{}", b'{"device":1}', b'{"device":""}', b"[" * 9999 + b"]" * 9999]
)
def test_data_may_be_anything_else(data):
    assert connect({"sub": "7"}, data=data).device == ""


@pytest.mark.parametrize("device", [b"a b", b"x" * 65, b"\xc3\xbc"])
def test_a_device_that_cant_be_one_is_answered(device):
    with pytest.raises(BadRequest) as refusal:
        connect({"sub": "7"}, data=b'{"device":"%b"}' % device)
    assert refusal.value.code == 107
