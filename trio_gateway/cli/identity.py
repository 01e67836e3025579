"""Clients must be told apart: on an address that strangers reach, nobody is served without tokens or an explicit wish."""

from __future__ import annotations

import attrs

from trio_gateway.cli.exits import say
from trio_gateway.cli.local import is_loopback
from trio_gateway.model.errors import ConfigurationError
from trio_gateway.settings.data_directory import SECRET_BYTES, make_development_secret
from trio_gateway.settings.settings import Settings


def check_identity(settings: Settings) -> None:
    """Raise ConfigurationError where strangers could connect and nothing says who may; warns of what is risky."""
    if settings.insecure and not is_loopback(settings.host):
        say(f"warning: --insecure with --host {settings.host}: whoever can reach it may read and send as anybody")
    if settings.token_secret and len(settings.token_secret.encode()) < SECRET_BYTES:
        say(f"warning: --token-secret is shorter than {SECRET_BYTES} bytes and could be guessed")
    if not (settings.token_secret or settings.insecure or is_loopback(settings.host)):
        raise ConfigurationError(
            f"--host {settings.host} can be reached from other machines, so clients need tokens: set --token-secret "
            "(or TRIO_GATEWAY_TOKEN_SECRET); --insecure instead believes everybody"
        )


def with_identity(settings: Settings) -> tuple[Settings, str | None]:
    """Make sure that clients can be told apart; give the development secret too, where one was needed.

    Raises ConfigurationError as `check_identity` does.
    """
    check_identity(settings)
    if settings.token_secret or settings.insecure:
        return settings, None
    secret = make_development_secret(settings.data_directory)
    return attrs.evolve(settings, token_secret=secret), secret
