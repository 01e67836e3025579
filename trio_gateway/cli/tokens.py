"""`trio-gateway token` makes a token, so that trying out needs no other tool."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import Parameter

from trio_gateway.cli.arguments import TTL, USER
from trio_gateway.cli.flags import settings_of, takes_flags
from trio_gateway.cli.local import find_token_secret
from trio_gateway.model.errors import ConfigurationError
from trio_gateway.settings import kinds
from trio_gateway.settings.program import program_name


@takes_flags("token_secret", "data_dir")
def token(
    *,
    user: Annotated[
        str, Parameter(allow_leading_hyphen=True, help="Whom the token names.", metavar="USER", validator=USER)
    ],
    ttl: Annotated[
        str, Parameter(help="How long it is valid, such as 30m, 12h, 7d.", metavar="DURATION", validator=TTL)
    ] = "1h",
    flags: Any = None,
) -> None:
    """Print a token (a JWT) that lets a client speak for a user.

    It is signed with --token-secret, or with the development secret that
    `serve` keeps in the data directory. Give it to a client:

      trio-gateway listen --token "$(trio-gateway token --user 7)"
    """
    settings = settings_of(flags)
    secret = find_token_secret(settings)
    if secret is None:
        raise ConfigurationError(
            f"no token secret lies in {settings.data_directory}: no gateway has run there without --token-secret; "
            f"start one with `{program_name()} serve`, or give --token-secret"
        )
    print(make_token(secret, user, kinds.DURATION.read(ttl)))  # noqa: T201


def make_token(secret: str, user: str, ttl_seconds: float) -> str:
    """Make a token for a user id that was checked."""
    from trio_gateway.session import tokens  # noqa: PLC0415 (PyJWT takes its time to import)

    return tokens.make_token(secret, user, ttl_seconds)
