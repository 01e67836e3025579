"""`trio-gateway token` makes a token, so that trying out needs no other tool."""

from __future__ import annotations

import json
from typing import Annotated, Any

from cyclopts import Parameter

from trio_gateway.cli.arguments import CHANNEL, TTL, USER, Argument
from trio_gateway.cli.flags import settings_of, takes_flags
from trio_gateway.cli.local import find_token_secret
from trio_gateway.model.errors import ConfigurationError
from trio_gateway.model.json_data import encode_json
from trio_gateway.settings import kinds
from trio_gateway.settings.program import program_name
from trio_gateway.settings.settings import Settings


def _check_json(text: str) -> None:
    try:
        encode_json(json.loads(text))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


INFO = Argument("--info", "JSON text", _check_json)


@takes_flags("token_secret", "subscription_token_secret", "data_dir")
def token(
    *,
    user: Annotated[
        str | None, Parameter(allow_leading_hyphen=True, help="Whom the token names.", metavar="USER", validator=USER)
    ] = None,
    anonymous: Annotated[
        bool, Parameter(negative="", help="Name nobody, in place of --user.", show_default=False)
    ] = False,
    channel: Annotated[
        str | None,
        Parameter(
            allow_leading_hyphen=True,
            help="Make a subscription token, for this channel.",
            metavar="CHANNEL",
            validator=CHANNEL,
        ),
    ] = None,
    info: Annotated[
        str | None,
        Parameter(
            allow_leading_hyphen=True,
            help="What other clients are told of this one, as JSON text.",
            metavar="JSON",
            validator=INFO,
        ),
    ] = None,
    ttl: Annotated[
        str, Parameter(help="How long it is valid, such as 30m, 12h, 7d.", metavar="DURATION", validator=TTL)
    ] = "1h",
    flags: Any = None,
) -> None:
    """Print a token (a JWT) that lets a client speak for a user.

    It is signed with --token-secret, or with the development secret that
    `serve` keeps in the data directory. Give it to a client:

      trio-gateway listen --token "$(trio-gateway token --user 7)"

    With --channel it lets a client of that user subscribe to the channel.
    It is signed with the --subscription-token-secret where there is one.
    """
    settings = settings_of(flags)
    if user is None and not anonymous:
        raise ConfigurationError("--user is missing; or give --anonymous, for a token that names nobody")
    if user is not None and anonymous:
        raise ConfigurationError("--user or --anonymous: expected one of the two")
    secret = _find_secret(settings, subscribes=channel is not None)
    value = None if info is None else json.loads(info)
    print(make_token(secret, user, kinds.DURATION.read(ttl), channel=channel, info=value))  # noqa: T201


def _find_secret(settings: Settings, *, subscribes: bool) -> str:
    secret = (settings.subscription_token_secret if subscribes else None) or find_token_secret(settings)
    if secret is None:
        raise ConfigurationError(
            f"no token secret lies in {settings.data_directory}: no gateway has run there without --token-secret; "
            f"start one with `{program_name()} serve`, or give --token-secret"
        )
    return secret


def make_token(
    secret: str, user: str | None, ttl_seconds: float, *, channel: str | None = None, info: Any = None
) -> str:
    """Make a token for a user id that was checked, or for nobody (None)."""
    from trio_gateway.session import tokens  # noqa: PLC0415 (PyJWT takes its time to import)

    return tokens.make_token(secret, user, ttl_seconds, channel=channel, info=info)
