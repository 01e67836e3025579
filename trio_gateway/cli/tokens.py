"""`trio-gateway token` makes a token, so that trying out needs no other tool."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import Parameter

from trio_gateway.cli.flags import settings_of, takes_flags
from trio_gateway.cli.local import find_token_secret
from trio_gateway.model.errors import BadRequest, ConfigurationError, StartFailed
from trio_gateway.model.user import check_user_id
from trio_gateway.settings import kinds


@takes_flags("token_secret", "data_dir")
def token(
    *,
    user: Annotated[str, Parameter(allow_leading_hyphen=True, help="Whom the token names.", metavar="USER")],
    ttl: Annotated[str, Parameter(help="How long it is valid, such as 30m, 12h, 7d.", metavar="DURATION")] = "1h",
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
        raise StartFailed(
            f"no token secret lies in {settings.data_directory}: no gateway has run there without --token-secret; "
            "start one with `trio-gateway serve`, or give --token-secret"
        )
    print(make_token(secret, user, read_ttl(ttl)))  # noqa: T201


def make_token(secret: str, user: str, ttl_seconds: float) -> str:
    """Make a token; raises ConfigurationError when the user is none."""
    from trio_gateway.session import tokens  # noqa: PLC0415 (PyJWT takes its time to import)

    try:
        return tokens.make_token(secret, check_user_id(user), ttl_seconds)
    except BadRequest as error:
        raise ConfigurationError(f"--user: {error}") from None


def read_ttl(text: str) -> float:
    """Read --ttl, in seconds; raises ConfigurationError when it is no duration."""
    try:
        return float(kinds.DURATION.read(text))
    except ValueError:
        raise ConfigurationError(f"--ttl: expected {kinds.DURATION.expected}, not {text!r}") from None
