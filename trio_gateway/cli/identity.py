"""Clients must be told apart: on an address that strangers reach, nobody is served without tokens or an explicit wish."""

from __future__ import annotations

import attrs

from trio_gateway.cli.exits import say
from trio_gateway.cli.local import is_loopback
from trio_gateway.model.errors import ConfigurationError
from trio_gateway.settings.data_directory import SECRET_BYTES, make_development_api_key, make_development_secret
from trio_gateway.settings.settings import Settings


def check_identity(settings: Settings) -> None:
    """Raise ConfigurationError where strangers could connect and nothing says who may; warns of what is risky."""
    if settings.insecure and not is_loopback(settings.host):
        say(f"warning: --insecure with --host {settings.host}: whoever can reach it may read and send as anybody")
    if settings.token_secret and len(settings.token_secret.encode()) < SECRET_BYTES:
        say(f"warning: the token secret is shorter than {SECRET_BYTES} bytes and could be guessed")
    _check_api(settings)
    if not (settings.verifies_tokens or settings.insecure or is_loopback(settings.host)):
        raise ConfigurationError(
            f"--host {settings.host} can be reached from other machines, so clients need tokens: set --token-secret "
            "(or TRIO_GATEWAY_TOKEN_SECRET), or keys of another kind; --insecure instead believes everybody"
        )


def with_identity(settings: Settings) -> tuple[Settings, str | None]:
    """Make sure that clients can be told apart; give the development secret too, where one was needed.

    Raises ConfigurationError as `check_identity` does.
    """
    check_identity(settings)
    if settings.verifies_tokens or settings.insecure:
        return settings, None
    secret = make_development_secret(settings.data_directory)
    return attrs.evolve(settings, token_secret=secret), secret


def with_api_key(settings: Settings) -> Settings:
    """Make sure that this machine's own programs can call the HTTP API; where strangers reach it, it stays closed.

    Without a data directory that can be written it stays closed as well, with a warning: all else may
    work without one.
    """
    if settings.api_keys or settings.api_insecure or not is_loopback(settings.admin_host):
        return settings
    try:
        return attrs.evolve(settings, api_keys=(make_development_api_key(settings.data_directory),))
    except ConfigurationError as error:
        say(f"warning: the HTTP API stays closed, as no key is set and none can be kept: {error}")
        return settings


def _check_api(settings: Settings) -> None:
    """Warn where the HTTP API could be opened by strangers."""
    if settings.api_insecure and not is_loopback(settings.admin_host):
        say(f"warning: --api-insecure with --admin-host {settings.admin_host}: whoever reaches it may do everything")
    if any(len(key.encode()) < SECRET_BYTES for key in settings.api_keys):
        say(f"warning: a key of the HTTP API is shorter than {SECRET_BYTES} bytes and could be guessed")
