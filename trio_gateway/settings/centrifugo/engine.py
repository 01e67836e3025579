"""Where Centrifugo keeps everything becomes one Redis URL; its memory engine is our own Valkey, which also survives a restart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from trio_gateway.model.errors import ConfigurationError
from trio_gateway.settings.centrifugo.refused import OTHER_STORE
from trio_gateway.settings.centrifugo.taken import FILES, REDIS, TLS
from trio_gateway.settings.centrifugo.values import is_off

LOCAL = "redis://127.0.0.1:6379"
"""Centrifugo's default address."""

ADDRESS = "expected one address, such as redis://:password@host:6379/0, host:6379 or unix:///path"


def redis_url(options: Mapping[str, Any]) -> str | None:
    """Make the URL of the `redis` engine; None for the `memory` engine.

    Raises ConfigurationError, which never repeats an address, for anything that is not one Redis.
    """
    engine = options.get("engine.type") or "memory"
    if engine not in ("memory", "redis"):
        raise ConfigurationError(f"engine.type: {OTHER_STORE}")
    if engine == "memory":
        return None
    try:
        return _url(_split(_one(options.get(f"{REDIS}address") or LOCAL)), options)
    except (ValueError, UnicodeError):
        raise ConfigurationError(f"{REDIS}address: {ADDRESS}") from None


def _one(given: Any) -> str:
    addresses = given.split(",") if isinstance(given, str) else given
    if not isinstance(addresses, list) or len(addresses) != 1 or not isinstance(addresses[0], str):
        raise ValueError("not one address")
    return addresses[0].strip()


def _split(address: str) -> SplitResult:
    scheme = "" if "://" in address else "unix://" if address.startswith("/") else "redis://"
    parts = urlsplit(scheme + address.replace("tcp://", "redis://", 1))
    if parts.scheme not in ("redis", "rediss", "unix") or parts.query or parts.fragment:
        raise ValueError("no address that is known")
    return parts


def _url(parts: SplitResult, options: Mapping[str, Any]) -> str:
    user = parts.username or _quoted(options, "user")
    password = parts.password or _quoted(options, "password")
    door = f"{user}:{password}@" if password else f"{user}@" if user else ""
    database = options.get(f"{REDIS}db") or 0
    if isinstance(database, bool) or not isinstance(database, int):
        raise ConfigurationError(f"{REDIS}db: expected a whole number")
    if parts.scheme == "unix":
        return f"unix://{door}{parts.path}{f'?db={database}' if database else ''}"
    query = _tls(options)
    scheme = "rediss" if query is not None else parts.scheme
    path = parts.path if parts.path.strip("/") else f"/{database}"
    return f"{scheme}://{door}{_host(parts)}{path}{f'?{query}' if query else ''}"


def _quoted(options: Mapping[str, Any], name: str) -> str:
    value = options.get(REDIS + name) or ""
    if not isinstance(value, str):
        raise ConfigurationError(f"{REDIS}{name}: expected text")
    return quote(value, safe="")


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    return (f"[{host}]" if ":" in host else host) + (f":{parts.port}" if parts.port else "")


def _tls(options: Mapping[str, Any]) -> str | None:
    """Make the part of the URL that names the files of TLS; None without TLS."""
    if is_off(options.get(f"{TLS}enabled")):
        return None
    found: dict[str, str] = {}
    for name, ours in FILES.items():
        for key in (TLS + name, f"{TLS}{name}_file"):
            path = options.get(key)
            if path and (not isinstance(path, str) or not path.isprintable() or "-----" in path):
                raise ConfigurationError(f"{key}: expected the path of a file, not the text of one")
            found |= {ours: path} if path else {}
    return urlencode(found)
