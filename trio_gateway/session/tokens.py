"""A token is a JWT that a key of the configuration signed; what it says counts only then, and only in its time.

PyJWT judges form and signature (`jws`); what a token says then goes straight into types (`claims_reader`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

import jwt
from msgspec import UNSET

from trio_gateway.model.errors import TokenExpired, Unauthorized
from trio_gateway.model.user import check_user_id
from trio_gateway.session.claims import ConnectionClaims, SubscriptionClaims
from trio_gateway.session.claims_reader import Reader, Registered
from trio_gateway.session.configured_keys import read_key_ring, read_subscription_key_ring
from trio_gateway.session.jws import header_segment, read_payload
from trio_gateway.session.key_ring import KeyRing
from trio_gateway.session.keys import UnknownKey, key_set
from trio_gateway.settings.settings import Settings

LEEWAY_SECONDS: Final = 5
"""How far the clocks of who issues tokens and of the gateway may differ."""

Outcome = TypeVar("Outcome")


def make_token(
    secret: str, user: str | None, ttl_seconds: float | None = None, *, channel: str | None = None, info: Any = None
) -> str:
    """Sign a token for a user, None for nobody, valid for `ttl_seconds`, or for ever.

    With a `channel` it is a subscription token. `info` is anything that JSON can say. Raises BadRequest
    for a user id that no user can have.
    """
    now = int(time.time())
    claims: dict[str, Any] = {"sub": "" if user is None else check_user_id(user), "iat": now}
    if ttl_seconds is not None:
        claims["exp"] = now + int(ttl_seconds)
    more = {"channel": channel, "info": info}
    claims |= {name: value for name, value in more.items() if value is not None}
    return jwt.encode(claims, secret, algorithm="HS256")


class Verifier:
    """Verify tokens with the keys of the configuration; does no I/O once it is made.

    Raises TokenExpired (109) for a token that a key signed and whose time has passed or not come yet
    (`exp`, `nbf`, `iat`), and Unauthorized (101) for every other fault of it; UnknownKey, which is one,
    where fetched keys may know more, unless it is to `decide`. Their words are for the log. With
    `ignore_expiry` a token's time does not matter; what it says stays the same.
    """

    def __init__(
        self, settings: Settings, keys: KeyRing, subscription_keys: KeyRing, clock: Callable[[], float]
    ) -> None:
        self._keys = keys
        self._subscription_keys = subscription_keys
        self._audience = settings.token_audience
        self._issuer = settings.token_issuer
        self._reader = Reader(settings.token_user_claim)
        self._clock = clock
        self._deciding = False

    @classmethod
    def of(cls, settings: Settings, *, clock: Callable[[], float] = time.time) -> Verifier:
        """Make the verifier of some settings, with the keys of the files that they name.

        Raises ConfigurationError for a key that can't be used, and where none fits `token_algorithms`.
        """
        keys = read_key_ring(settings)
        return cls(settings, keys, read_subscription_key_ring(settings) or keys, clock)

    @property
    def is_configured(self) -> bool:
        """Tell whether there is a key, or one may come from the URL."""
        return bool(self._keys.algorithms)

    def connection(self, token: str, *, ignore_expiry: bool = False) -> ConnectionClaims:
        """Return what a connection token says; raises as the class tells, and Unauthorized for one with a `channel`."""
        registered, claims = self._reader.connection(self._payload_of(token, self._keys))
        self._judge(registered, ignore_expiry=ignore_expiry)
        return claims

    def subscription(self, token: str, *, ignore_expiry: bool = False) -> SubscriptionClaims:
        """Return what a subscription token says; raises as the class tells."""
        registered, claims = self._reader.subscription(self._payload_of(token, self._subscription_keys))
        self._judge(registered, ignore_expiry=ignore_expiry)
        return claims

    def decide(self, check: Callable[[], Outcome]) -> Outcome:
        """Return what `check`, which verifies tokens here, does with the keys that there are: none is unknown to it."""
        self._deciding = True
        try:
            return check()
        finally:
            self._deciding = False

    def take_keys(self, jwks: bytes) -> int:
        """Take the key set that was fetched in place of the last one; answers how many of its keys can be used.

        Raises ValueError for what is no JWK set, and keeps the last one. A set without keys is one: then
        the issuer stands for no token any more. Secrets in it are left out.
        """
        keys = key_set(jwks, secrets=False)
        self._keys.take(keys)
        return len(keys)

    def _judge(self, claims: Registered, *, ignore_expiry: bool) -> None:
        if self._issuer is not None and claims.iss != self._issuer:
            raise Unauthorized("the token is invalid: it is of another issuer (iss)")
        if self._audience is not None and self._audience not in claims.audiences:
            raise Unauthorized("the token is invalid: it is for another audience (aud)")
        if not ignore_expiry:
            _check_time(claims, self._clock())

    def _payload_of(self, token: str, keys: KeyRing) -> bytes:
        """Return the claims' text of a token with a right signature; the header is judged before any cryptography."""
        found = keys.find(header_segment(token))
        payload = read_payload(token, found.keys)
        if payload is None:
            unknown = found.fetch and not self._deciding
            raise (UnknownKey if unknown else Unauthorized)("the token is invalid: no key here made its signature")
        return payload


def has_passed(expire_at: float, now: float) -> bool:
    """Tell whether a time in a token (Unix seconds, 0 for never) has passed by every clock; a token's own is judged so as well."""
    return expire_at != 0 and expire_at <= now - LEEWAY_SECONDS


def _check_time(claims: Registered, now: float) -> None:
    if claims.exp is not UNSET and claims.exp <= now - LEEWAY_SECONDS:
        raise TokenExpired("the token has expired (exp)")
    if claims.nbf is not UNSET and claims.nbf > now + LEEWAY_SECONDS:
        raise TokenExpired("the token is not yet valid (nbf)")
    if claims.iat > now + LEEWAY_SECONDS:
        raise TokenExpired("the token was issued in the future (iat)")
