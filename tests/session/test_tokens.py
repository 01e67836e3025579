"""Tokens that are made here say what was asked for, and the gateway that has the secret takes them."""

from __future__ import annotations

import jwt
import pytest

from trio_gateway.model.errors import BadRequest, Unauthorized
from trio_gateway.session.tokens import Verifier, make_token
from trio_gateway.settings.settings import Settings

SECRET = "a secret of thirty-two bytes ..."
HOUR = 3600


def verifier(**options):
    return Verifier.of(Settings(token_secret=SECRET, **options))


@pytest.mark.parametrize(
    ("user", "named"), [(None, ""), *((user, user) for user in ("7", "news:x", "7,8", "jürgen", "x" * 128))]
)
def test_the_verifier_takes_a_token_that_was_made_here(user, named):
    claims = verifier().connection(make_token(SECRET, user, HOUR, info={"name": "Ada"}))

    assert (claims.user, claims.info) == (named, b'{"name":"Ada"}')
    assert claims.expire_at - claims.issued_at == HOUR


def test_with_a_channel_it_is_a_subscription_token():
    token = make_token(SECRET, "7", channel="$chat", info=[])

    claims = verifier().subscription(token)
    assert (claims.user, claims.channel, claims.expire_at, claims.info) == ("7", "$chat", 0, b"[]")
    with pytest.raises(Unauthorized):
        verifier().connection(token)


def test_a_token_with_a_lifetime_says_when_it_ends():
    claims = jwt.decode(make_token(SECRET, "7", HOUR), SECRET, algorithms=["HS256"])

    assert claims["exp"] - claims["iat"] == HOUR


@pytest.mark.parametrize("user", ["", "x" * 129, "line\nfeed", "\ud800"])
def test_no_token_is_made_for_a_user_id_that_no_user_can_have(user):
    with pytest.raises(BadRequest):
        make_token(SECRET, user)
