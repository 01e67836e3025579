"""The options that say who may connect, and how clients and back ends prove who they are."""

from __future__ import annotations

from pathlib import Path

import attrs

from trio_gateway.settings import kinds
from trio_gateway.settings.addresses import Addresses
from trio_gateway.settings.option import hide, hide_each, option

IDENTITY = "Who may connect"


@attrs.frozen(kw_only=True)
class Identity(Addresses):
    """Hold who may connect, beside the addresses; a part of Settings."""

    insecure: bool = option(
        False,
        kinds.FLAG,
        "Believe what clients say they are (`?user=7`), and let them do whatever no other rule decides. For trying out only.",
        group=IDENTITY,
    )
    token_secret: str | None = option(
        None,
        kinds.SECRET,
        "Secret that signs the clients' tokens (JWT, HS256/384/512); one shorter than 32 bytes is warned about. Better given by the environment.",
        group=IDENTITY,
        hide=hide,
        unset="on a loopback address, one is made up",
        example="a random text of 32 bytes or more",
    )
    token_previous_secret: str | None = option(
        None,
        kinds.SECRET,
        "A second secret whose tokens are accepted, while clients move on to `token_secret`.",
        group=IDENTITY,
        hide=hide,
        unset="none",
        example="the secret before, 32 bytes or more",
    )
    token_public_keys: tuple[Path | str, ...] = option(
        (),
        kinds.PUBLIC_KEYS,
        "Public keys (RSA, EC, Ed25519) whose tokens are accepted: PEM files, or the text of such files.",
        group=IDENTITY,
        singular="token_public_key",
        unset="none",
        example=["/etc/trio-gateway/tokens.pem"],
    )
    token_jwks_url: str | None = option(
        None,
        kinds.HTTP_URL,
        "URL at which the tokens' issuer publishes its public keys as a JWK set (RFC 7517).",
        group=IDENTITY,
        unset="none",
        example="https://id.example.com/.well-known/jwks.json",
    )
    token_jwks_file: Path | None = option(  # noqa: RUF009 (makes an attrs field)
        None,
        kinds.FILE,
        "File with a JWK set, instead of a URL.",
        group=IDENTITY,
        unset="none",
        example="/etc/trio-gateway/jwks.json",
    )
    token_algorithms: tuple[str, ...] = option(
        (),
        kinds.ALGORITHMS,
        "Algorithms that a token may be signed with.",
        group=IDENTITY,
        singular="token_algorithm",
        unset="all that fit the secrets and keys given",
        example=["HS256"],
    )
    token_audience: str | None = option(
        None,
        kinds.TEXT,
        "What a token's `aud` must be or contain.",
        group=IDENTITY,
        unset="it is not checked",
        example="chat",
    )
    token_issuer: str | None = option(
        None,
        kinds.TEXT,
        "What a token's `iss` must be.",
        group=IDENTITY,
        unset="it is not checked",
        example="example.com",
    )
    token_user_claim: str = option("sub", kinds.NAME, "The claim that names a token's user.", group=IDENTITY)
    subscription_token_secret: str | None = option(
        None,
        kinds.SECRET,
        "Secret that signs subscription tokens, if they have one of their own.",
        group=IDENTITY,
        hide=hide,
        unset="subscription tokens are signed with the keys for all tokens",
        example="another random text, 32 bytes or more",
    )
    allow_anonymous_connect_without_token: bool = option(
        False, kinds.FLAG, "Let clients of SDKs connect without a token, as a client without a user.", group=IDENTITY
    )
    disallow_anonymous_connection_tokens: bool = option(
        False, kinds.FLAG, "Refuse tokens that name no user.", group=IDENTITY
    )
    api_keys: tuple[str, ...] = option(
        (),
        kinds.SECRETS,
        "Keys of the HTTP API on the admin port, any of which opens it; one shorter than 32 bytes is warned about. Better given by the environment.",
        group=IDENTITY,
        singular="api_key",
        hide=hide_each,
        unset="on a loopback address, one is made up",
        example=["a third random text, 32 bytes or more"],
    )
    api_insecure: bool = option(
        False,
        kinds.FLAG,
        "Open the HTTP API to anybody who reaches the admin port. For trying out only.",
        group=IDENTITY,
    )
    allowed_origins: tuple[str, ...] = option(
        (),
        kinds.PATTERNS,
        "Browser origins that may connect, as globs over the whole origin.",
        group=IDENTITY,
        singular="allowed_origin",
        unset="the request's own host",
        example=["https://*.example.com"],
    )
    trusted_proxies: tuple[str, ...] = option(
        (),
        kinds.NETWORKS,
        "Addresses of proxies whose X-Forwarded-For is believed.",
        group=IDENTITY,
        singular="trusted_proxy",
        unset="none",
        example=["10.0.0.0/8"],
    )
