"""The keys that verify tokens come from the settings: from secrets, and from files that are read once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from trio_gateway.model.errors import ConfigurationError
from trio_gateway.model.reason import reason_of
from trio_gateway.session.key_ring import KeyRing
from trio_gateway.session.keys import Key, key_set, public_keys, secret_key
from trio_gateway.settings.settings import Settings

MAX_FILE: Final = 1_048_576
"""Bytes of a file with keys."""


def read_key_ring(settings: Settings) -> KeyRing:
    """Make the ring of all keys for tokens; raises ConfigurationError that names the option at fault."""
    keys = [*_secret(settings, "token_secret"), *_secret(settings, "token_previous_secret")]
    for pem in settings.token_public_keys:
        keys += _read("token_public_keys", pem, "public keys as PEM", public_keys)
    if settings.token_jwks_file is not None:
        keys += _read("token_jwks_file", settings.token_jwks_file, "a JWK set with keys for tokens", _file_keys)
    return _ring(settings, keys, fetches=settings.token_jwks_url is not None)


def read_subscription_key_ring(settings: Settings) -> KeyRing | None:
    """Make the ring of the one secret for subscription tokens, None where there is no such; raises as `read_key_ring`."""
    keys = _secret(settings, "subscription_token_secret")
    return _ring(settings, keys, fetches=False) if keys else None


def _ring(settings: Settings, keys: Sequence[Key], *, fetches: bool) -> KeyRing:
    ring = KeyRing(keys, settings.token_algorithms, fetches=fetches)
    if (keys or fetches) and not ring.algorithms:
        given = ", ".join(settings.token_algorithms)
        raise ConfigurationError(f"token_algorithms: expected one that fits the secrets and keys given, not {given}")
    return ring


def _secret(settings: Settings, option: str) -> Sequence[Key]:
    secret = getattr(settings, option)
    try:
        return [secret_key(secret)] if secret else []
    except ValueError as error:
        raise ConfigurationError(f"{option}: expected a secret, and this is a key: {error}") from error


def _file_keys(text: bytes) -> Sequence[Key]:
    keys = key_set(text, secrets=True)
    if not keys:
        raise ValueError("it holds none")
    return keys


def _read(option: str, source: Path | str, expected: str, read: Callable[[bytes], Sequence[Key]]) -> Sequence[Key]:
    """Read keys from a file, or from text that the option holds itself."""
    try:
        return read(source.encode() if isinstance(source, str) else _text_of(source))
    except (OSError, ValueError) as error:
        where = "" if isinstance(source, str) else f"{source}: "
        raise ConfigurationError(f"{option}: {where}expected {expected}: {reason_of(error)}") from error


def _text_of(path: Path) -> bytes:
    with path.open("rb") as file:
        text = file.read(MAX_FILE + 1)
    if len(text) > MAX_FILE:
        raise ValueError(f"it has more than {MAX_FILE} bytes")
    return text
