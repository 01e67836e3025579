"""Tokens name a user only if the gateway's secret signed them for that."""

from __future__ import annotations

import base64
import json
import time

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trio_gateway.model.errors import BadRequest, Unauthorized
from trio_gateway.model.user import User
from trio_gateway.session.tokens import make_token, verify_token

SECRET = "a secret of thirty-two bytes ..."
HOUR = 3600


def signed(secret=SECRET, algorithm="HS256", headers=None, **claims):
    return jwt.encode({"sub": "7", **claims}, secret, algorithm=algorithm, headers=headers)


def unsigned(header, claims):
    parts = [base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (header, claims)]
    return ".".join([*parts, ""])


@pytest.mark.parametrize("user", ["7", "news:x", "7,8", "jürgen", "x" * 128])
@pytest.mark.parametrize("ttl_seconds", [None, HOUR])
def test_a_token_that_was_made_here_names_its_user(user, ttl_seconds):
    assert verify_token(make_token(SECRET, user, ttl_seconds), SECRET) == User(user)


def test_a_token_with_a_lifetime_says_when_it_ends():
    claims = jwt.decode(make_token(SECRET, "7", HOUR), SECRET, algorithms=["HS256"])

    assert claims["exp"] - claims["iat"] == HOUR


@pytest.mark.parametrize("user", ["", "x" * 129, "line\nfeed", "\ud800"])
def test_no_token_is_made_for_a_user_id_that_no_user_can_have(user):
    with pytest.raises(BadRequest):
        make_token(SECRET, user)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: signed(secret="another secret of thirty-two ..."), id="another secret"),
        pytest.param(lambda: signed(SECRET * 2, "HS512"), id="another algorithm"),
        pytest.param(lambda: signed("", "none"), id="no signature"),
        pytest.param(lambda: signed()[:-2], id="half a signature"),
        pytest.param(lambda: signed().rpartition(".")[0] + ".", id="an empty signature"),
        pytest.param(lambda: signed(headers={"crit": ["x"], "x": 1}), id="an extension that must be understood"),
        pytest.param(lambda: signed(exp=int(time.time()) - HOUR), id="expired"),
        pytest.param(lambda: signed(exp="soon"), id="an expiry that is no number"),
        pytest.param(lambda: signed(exp=float("inf")), id="an infinite expiry"),
        pytest.param(lambda: signed(exp=float("nan")), id="an expiry that is nothing"),
        pytest.param(lambda: signed(nbf=int(time.time()) + HOUR), id="not yet valid"),
        pytest.param(lambda: signed(iat=int(time.time()) + HOUR), id="issued in the future"),
        pytest.param(lambda: jwt.encode({}, SECRET, algorithm="HS256"), id="no subject"),
        pytest.param(lambda: signed(aud="another service"), id="for another audience"),
        pytest.param(lambda: signed(channel="news"), id="for a subscription"),
        pytest.param(lambda: signed(channel=None), id="for a subscription to nothing"),
        pytest.param(lambda: "", id="nothing"),
        pytest.param(lambda: "..", id="dots"),
        pytest.param(lambda: "ä.ö.ü", id="not ASCII"),
        pytest.param(lambda: unsigned(b"[" * 11_000, b"{}"), id="a header nested deeply"),
        pytest.param(lambda: unsigned(b"[]", b"{}"), id="a header that is no object"),
        pytest.param(lambda: unsigned(b'{"alg":"HS256","kid":' + b"1" * 5000 + b"}", b"{}"), id="a huge number"),
        *(
            pytest.param(lambda sub=sub: signed_by_hand({"sub": sub}), id=f"subject {sub!r:.20}")
            for sub in (7, None, True, ["7"], {"id": "7"}, "", "x" * 129, "line\nfeed", "\ud800")
        ),
    ],
)
def test_any_other_token_is_refused(make):
    with pytest.raises(Unauthorized):
        verify_token(make(), SECRET)


def signed_by_hand(claims):
    """Sign what PyJWT would refuse to sign."""
    return jwt.api_jws.encode(json.dumps(claims).encode(), SECRET, algorithm="HS256")


def test_clocks_may_differ_a_little():
    now = int(time.time())

    assert verify_token(signed(exp=now - 1, nbf=now + 2, iat=now + 2), SECRET) == User("7")


def test_the_error_tells_the_log_why():
    with pytest.raises(Unauthorized, match="expired"):
        verify_token(signed(exp=int(time.time()) - HOUR), SECRET)


@settings(deadline=None)  # how long an example takes is the machine's business
@given(st.text(max_size=300) | st.binary(max_size=200).map(lambda header: unsigned(header, b"{}")))
def test_whatever_a_client_sends_as_a_token_is_at_worst_unauthorized(token):
    with pytest.raises(Unauthorized):
        verify_token(token, SECRET)
