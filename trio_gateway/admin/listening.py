"""A port is taken before anything starts, and a port that can't be taken is told in one line."""

from __future__ import annotations

import errno
import socket

from trio_gateway.model.errors import ConfigurationError, StartFailed

BACKLOG = 4096
"""Connections that wait to be accepted; the kernel cuts it down to its own bound (`net.core.somaxconn`)."""


def listen_on(host: str, port: int, *, option: str) -> socket.socket:
    """Open a listening, non-blocking TCP socket; port 0 takes any that is free.

    `option` is the flag that the port came from. Raises StartFailed when the port can't be had, and
    ConfigurationError when there is no such host.
    """
    family, address = _resolve(host, port)
    dual_stack = family == socket.AF_INET6 and host == "::" and socket.has_dualstack_ipv6()
    try:
        listener = socket.create_server(address, family=family, backlog=BACKLOG, dualstack_ipv6=dual_stack)
    except OSError as error:
        raise StartFailed(_blame(error, host, port, option)) from error
    listener.setblocking(False)
    return listener


def _resolve(host: str, port: int) -> tuple[int, tuple[str, int]]:
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise ConfigurationError(f"{host!r} is no address of this machine ({error})") from error
    # A name such as `localhost` has both kinds; whoever wants IPv6 alone writes the address.
    family, *_, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return family, (str(address[0]), port)


def _blame(error: OSError, host: str, port: int, option: str) -> str:
    where = f"port {port} of {host}" if port else f"a port of {host}"
    if error.errno == errno.EADDRINUSE:
        return f"{where} is in use: end what listens there, or choose another by {option}"
    if error.errno == errno.EACCES:
        return f"{where} needs more rights: choose one from 1024 up by {option}"
    return f"{where} can't be listened on: {error.strerror} ({option})"
