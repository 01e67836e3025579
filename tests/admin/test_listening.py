"""Ports are taken before anything starts, or refused in one line."""

from __future__ import annotations

import socket

import pytest

from trio_gateway.admin.listening import bind, listen_on
from trio_gateway.model.errors import ConfigurationError, StartFailed
from trio_gateway.settings.settings import Settings


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


@pytest.mark.parametrize(
    ("host", "admin_host"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("127.0.0.1", "::"),
        ("localhost", "127.0.0.1"),
        ("::1", "::1"),
    ],
)
def test_one_port_for_both_is_the_settings_fault(host, admin_host):
    with pytest.raises(ConfigurationError) as refusal:
        bind(Settings(host=host, port=8000, admin_host=admin_host, admin_port=8000))

    assert str(refusal.value) == "--port and --admin-port: expected two different ports, not 8000 for both"


def test_one_port_on_two_addresses_is_fine():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    clients, operators = bind(Settings(port=port, admin_host="127.0.0.2", admin_port=port))
    with clients, operators:
        assert clients.getsockname() != operators.getsockname()


def test_any_two_free_ports_are_not_one_port():
    clients, operators = bind(Settings(port=0, admin_port=0))
    with clients, operators:
        assert clients.getsockname() != operators.getsockname()


@pytest.mark.parametrize("option", ["host", "admin_host"])
def test_a_host_that_is_none_is_named_by_its_option(option):
    flag = "--" + option.replace("_", "-")
    with pytest.raises(ConfigurationError, match=f"^{flag}: expected an address of this machine, not 'no.invalid'"):
        bind(Settings(port=0, admin_port=0, **{option: "no.invalid"}))
