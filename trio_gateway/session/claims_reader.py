"""What a token says is read strictly: a claim of a wrong type makes the whole token invalid.

Only `null` is lenient, in claims that add something (`info`, `data`, `meta`, `channels`, `subs`,
`override`): libraries write it for what was left out. JSON for clients is kept as compact text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from trio_gateway.model.errors import BadRequest, Unauthorized
from trio_gateway.model.user import check_user_id
from trio_gateway.session.claims import ConnectionClaims, ServerSubscription, SubscriptionClaims
from trio_gateway.session.options import MALFORMED, OverrideOptions, SubscriptionOptions, read_json, read_override

MAX_SUBSCRIPTIONS: Final = 1000
"""Channels that one token subscribes its client to."""


class Registered(Struct, kw_only=True):
    """Hold the claims that tell whether a token counts at all (RFC 7519 §4.1)."""

    sub: str = ""
    exp: float | UnsetType = UNSET
    nbf: float | UnsetType = UNSET
    iat: float = 0.0
    aud: str | list[str] = []
    iss: str | UnsetType = UNSET

    @property
    def audiences(self) -> list[str]:
        """List whom the token is for."""
        return [self.aud] if isinstance(self.aud, str) else self.aud


class _Connection(Registered, kw_only=True):
    expire_at: float | UnsetType = UNSET
    info: Raw = Raw()
    b64info: str = ""
    meta: Raw = Raw()
    jti: str = ""
    channel: Raw | UnsetType = UNSET
    channels: list[str] | None = None
    subs: dict[str, SubscriptionOptions | None] | None = None


class _Subscription(Registered, kw_only=True):
    expire_at: float | UnsetType = UNSET
    info: Raw = Raw()
    b64info: str = ""
    channel: str
    client: str = ""
    data: Raw = Raw()
    b64data: str = ""
    override: OverrideOptions | None = None


_connections = msgspec.json.Decoder(_Connection)
_subscriptions = msgspec.json.Decoder(_Subscription)


class Reader:
    """Read the claims of tokens whose signature is right; the user stands in the claim `user_claim`.

    Whether the registered claims, which come with the others, let the token count is judged elsewhere.
    """

    def __init__(self, user_claim: str) -> None:
        # Another claim than `sub` is looked up in a second pass, which `sub` does not need.
        self._users = None if user_claim == "sub" else _user_decoder(user_claim)

    def connection(self, payload: bytes) -> tuple[Registered, ConnectionClaims]:
        """Read a connection token; raises Unauthorized for one that is malformed, or for a subscription."""
        claims: _Connection = _decode(_connections, payload)
        if claims.channel is not UNSET:
            raise Unauthorized("the token is invalid: it is for a subscription")
        return claims, ConnectionClaims(
            user=self._user(claims, payload),
            expire_at=_expiry(claims),
            info=_json("info", claims.info, claims.b64info),
            channels=_server_subscriptions(claims),
            id=claims.jti,
            issued_at=claims.iat,
            meta=_json("meta", claims.meta),
        )

    def subscription(self, payload: bytes) -> tuple[Registered, SubscriptionClaims]:
        """Read a subscription token; raises Unauthorized for one that is malformed, or names no channel."""
        claims: _Subscription = _decode(_subscriptions, payload)
        if not claims.channel:
            raise Unauthorized("the token is invalid: it names no channel")
        return claims, SubscriptionClaims(
            user=self._user(claims, payload),
            channel=claims.channel,
            client=claims.client,
            expire_at=_expiry(claims),
            info=_json("info", claims.info, claims.b64info),
            data=_json("data", claims.data, claims.b64data),
            override=read_override(claims.override),
        )

    def _user(self, claims: Registered, payload: bytes) -> str:
        user = claims.sub if self._users is None else cast("str", _decode(self._users, payload).user)
        try:
            return user and check_user_id(user)
        except BadRequest as error:
            raise Unauthorized(f"the token is invalid: {error}") from error


def _user_decoder(claim: str) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(msgspec.defstruct("User", [("user", str, "")], rename={"user": claim}))


def _decode(decoder: msgspec.json.Decoder[Any], payload: bytes) -> Any:
    try:
        return decoder.decode(payload)
    except MALFORMED as error:
        raise Unauthorized(f"the token is invalid: its claims: {error}") from error


def _expiry(claims: _Connection | _Subscription) -> float:
    if claims.expire_at is not UNSET:
        return claims.expire_at
    return 0.0 if claims.exp is UNSET else claims.exp


def _server_subscriptions(claims: _Connection) -> Mapping[str, ServerSubscription]:
    channels = claims.subs or dict.fromkeys(claims.channels or ())
    if len(channels) > MAX_SUBSCRIPTIONS:
        raise Unauthorized(f"the token is invalid: it names more than {MAX_SUBSCRIPTIONS} channels")
    if "" in channels:
        raise Unauthorized("the token is invalid: it names an empty channel")
    return {channel: _server_subscription(options) for channel, options in channels.items()}


def _server_subscription(options: SubscriptionOptions | None) -> ServerSubscription:
    if options is None:
        return ServerSubscription()
    return ServerSubscription(
        info=_json("info", options.info, options.b64info),
        data=_json("data", options.data, options.b64data),
        override=read_override(options.override),
    )


def _json(name: str, given: Raw, encoded: str = "") -> bytes:
    try:
        return read_json(name, given, encoded)
    except ValueError as error:
        raise Unauthorized(f"the token is invalid: {error}") from error
