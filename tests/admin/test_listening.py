"""Ports are taken before anything starts, or refused in one line."""

from __future__ import annotations

import socket

import pytest

from trio_gateway.admin.listening import listen_on
from trio_gateway.model.errors import ConfigurationError, StartFailed


def test_port_0_takes_one_that_is_free_and_listens():
    with listen_on("127.0.0.1", 0, prefix="--") as listener:
        assert listener.getblocking() is False
        socket.create_connection(listener.getsockname()).close()


def test_a_name_is_resolved_ipv4_first():
    with listen_on("localhost", 0, prefix="--") as listener:
        assert listener.getsockname()[0] == "127.0.0.1"


def test_a_port_in_use_is_refused_in_one_line_that_says_what_to_do():
    with listen_on("127.0.0.1", 0, prefix="--") as listener:
        port = listener.getsockname()[1]
        with pytest.raises(StartFailed) as refusal:
            listen_on("127.0.0.1", port, prefix="--admin-")
    words = str(refusal.value)
    assert words == f"port {port} of 127.0.0.1 is in use: end what listens there, or choose another by --admin-port"


def test_an_address_of_another_machine_is_refused_in_one_line():
    with pytest.raises(StartFailed, match=r"^port 8000 of 192\.0\.2\.1 can't be listened on: .* \(--host, --port\)$"):
        listen_on("192.0.2.1", 8000, prefix="--")


def test_a_host_that_is_none_is_the_settings_fault():
    with pytest.raises(
        ConfigurationError, match=r"^--admin-host: expected an address .* not 'no such\.invalid' \(.+\)$"
    ):
        listen_on("no such.invalid", 8000, prefix="--admin-")
