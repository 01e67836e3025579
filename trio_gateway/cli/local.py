"""Where no option says so, the other commands find the gateway that runs on this machine: here, in its data directory."""

from __future__ import annotations

import ipaddress
import os
import socket
from pathlib import Path
from urllib.parse import quote, urlsplit

from trio_gateway.model.errors import ConfigurationError
from trio_gateway.model.paths import PLAIN_PATH
from trio_gateway.settings.data_directory import read_development_api_key, read_development_secret, socket_path
from trio_gateway.settings.program import program_name
from trio_gateway.settings.settings import Settings

LOOPBACK_OF = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Who listens on every address is reached on this one."""


def find_redis_url(settings: Settings) -> str:
    """Give the URL of Redis, or of the embedded server's socket; raises ConfigurationError when there is neither."""
    if settings.redis_url:
        return settings.redis_url
    path = socket_path(settings.data_directory)
    if not _is_listening(path):
        raise ConfigurationError(
            f"no gateway runs on {settings.data_directory}; "
            f"start one with `{program_name()} serve`, or give --redis-url"
        )
    return f"unix://{quote(str(path))}"


def find_token_secret(settings: Settings, url: str | None = None) -> str | None:
    """Give the secret that signs tokens: the configured one, or the one that `serve` made up; None without either.

    For a URL that leads to another machine, only the configured one will do: what was made up here is
    worth nothing there, and whoever answers there could use the token here.
    """
    if settings.token_secret or not (url is None or is_local(url)):
        return settings.token_secret
    return read_development_secret(settings.data_directory)


def find_api_key(settings: Settings) -> str | None:
    """Give a key of the HTTP API: a configured one, or the one that `serve` made up; None without either.

    For the admin port of another machine only a configured one will do, as `find_token_secret` says.
    """
    if settings.api_keys:
        return settings.api_keys[0]
    host = LOOPBACK_OF.get(settings.admin_host, settings.admin_host)
    return read_development_api_key(settings.data_directory) if is_loopback(host) else None


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach a server that listens on the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_local(url: str) -> bool:
    """Tell whether a URL leads to this machine."""
    return is_loopback(urlsplit(url).hostname or "")


def _is_listening(path: Path) -> bool:
    """Tell whether somebody listens on a socket: after a crash it lies there, and nobody does."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(os.fspath(path))
        except OSError:
            return False
    return True


def authority(host: str, port: int) -> str:
    """Write `host:port` as a URL on this machine has it."""
    host = LOOPBACK_OF.get(host, host)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def client_url(settings: Settings) -> str:
    """Give the URL where clients on this machine connect."""
    return f"ws://{authority(settings.host, settings.port)}{PLAIN_PATH}"
