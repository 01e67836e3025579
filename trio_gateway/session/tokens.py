"""A token is a JWT, signed with the gateway's secret (HS256 and nothing else), whose `sub` is the user."""

from __future__ import annotations

import time
from base64 import urlsafe_b64encode
from functools import lru_cache
from typing import Any, Final

import jwt

from trio_gateway.model.errors import BadRequest, Unauthorized
from trio_gateway.model.user import User, check_user_id

LEEWAY_SECONDS: Final = 5
"""How far the clocks of who issues tokens and of the gateway may differ."""

# The list stands here because a token's own header names its algorithm, `none` included.
_ALGORITHM: Final = "HS256"
_decoder = jwt.PyJWT({"require": ["sub"]})


def make_token(secret: str, user: str, ttl_seconds: float | None = None) -> str:
    """Sign a token for a user, valid for `ttl_seconds`, or for ever.

    Raises BadRequest for a user id that no user can have.
    """
    now = int(time.time())
    claims: dict[str, Any] = {"sub": check_user_id(user), "iat": now}
    if ttl_seconds is not None:
        claims["exp"] = now + int(ttl_seconds)
    return jwt.encode(claims, secret, algorithm=_ALGORITHM)


def verify_token(token: str, secret: str) -> User:
    """Return the user whom the token names.

    Raises Unauthorized unless the signature is right, `exp`, `nbf` and `iat` (where present) fit the
    present time, `sub` is a user id, and it is no token for something else (`aud`, `channel`). The
    error's words are for the log; a client is told only that it is unauthorized.
    """
    try:
        claims = _decoder.decode(token, _key_of(secret), algorithms=[_ALGORITHM], leeway=LEEWAY_SECONDS)
    except (jwt.InvalidTokenError, RecursionError, OverflowError, ValueError) as error:
        # Not all of PyJWT's own: a header nested 10,000 deep is a RecursionError, and comes before the signature.
        raise Unauthorized(f"the token is invalid: {error}") from error
    if "channel" in claims:
        raise Unauthorized("the token is invalid: it is for a subscription")
    try:
        return User(claims["sub"])
    except BadRequest as error:
        raise Unauthorized(f"the token is invalid: {error}") from error


@lru_cache(maxsize=4)
def _key_of(secret: str) -> jwt.PyJWK:
    """Prepare a secret once: given as it is, PyJWT examines it for a third of the time that each token takes."""
    return jwt.PyJWK({"kty": "oct", "k": urlsafe_b64encode(secret.encode()).decode(), "alg": _ALGORITHM})
