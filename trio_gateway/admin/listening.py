"""A port is taken before anything starts, and a port that can't be taken is told in one line."""

from __future__ import annotations

import errno
import socket

from trio_gateway.model.errors import ConfigurationError, StartFailed
from trio_gateway.model.reason import reason_of
from trio_gateway.settings.settings import Settings

BACKLOG = 4096
"""Connections that wait to be accepted; the kernel cuts it down to its own bound (`net.core.somaxconn`)."""


def bind(settings: Settings) -> tuple[socket.socket, socket.socket]:
    """Bind the clients' and the operators' socket.

    Raises StartFailed when one can't be had, ConfigurationError when both are the same.
    """
    check_ports(settings)
    clients = listen_on(settings.host, settings.port, prefix="--")
    try:
        return clients, listen_on(settings.admin_host, settings.admin_port, prefix="--admin-")
    except BaseException:
        clients.close()
        raise


def check_ports(settings: Settings) -> None:
    """Raise ConfigurationError when clients and operators would share a port of one address."""
    if settings.port == settings.admin_port != 0 and _meet(settings.host, settings.admin_host):
        raise ConfigurationError(f"--port and --admin-port: expected two different ports, not {settings.port} for both")


def listen_on(host: str, port: int, *, prefix: str) -> socket.socket:
    """Open a listening, non-blocking TCP socket; port 0 takes any that is free.

    `prefix` is how the two flags begin that host and port came from, such as `--admin-`. Raises
    StartFailed when the port can't be had, and ConfigurationError when there is no such host.
    """
    family, address = _resolve(host, port, f"{prefix}host")
    dual_stack = family == socket.AF_INET6 and host == "::" and socket.has_dualstack_ipv6()
    try:
        listener = socket.create_server(address, family=family, backlog=BACKLOG, dualstack_ipv6=dual_stack)
    except OSError as error:
        raise StartFailed(_blame(error, host, port, prefix)) from error
    listener.setblocking(False)
    return listener


def _meet(one: str, other: str) -> bool:
    """Tell whether two hosts have an address in common; `::` takes those of IPv4 as well."""
    hosts = {"127.0.0.1" if host == "localhost" else host for host in (one, other)}
    return len(hosts) == 1 or "::" in hosts or ("0.0.0.0" in hosts and not any(":" in host for host in hosts))


def _resolve(host: str, port: int, option: str) -> tuple[int, tuple[str, int]]:
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        words = f"expected an address of this machine, not {host!r}"
        raise ConfigurationError(f"{option}: {words} ({reason_of(error)})") from error
    # A name such as `localhost` has both kinds; whoever wants IPv6 alone writes the address.
    family, *_, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return family, (str(address[0]), port)


def _blame(error: OSError, host: str, port: int, prefix: str) -> str:
    where = f"port {port} of {host}" if port else f"a port of {host}"
    if error.errno == errno.EADDRINUSE:
        return f"{where} is in use: end what listens there, or choose another by {prefix}port"
    if error.errno == errno.EACCES:
        return f"{where} needs more rights: choose one from 1024 up by {prefix}port"
    return f"{where} can't be listened on: {reason_of(error)} ({prefix}host, {prefix}port)"
