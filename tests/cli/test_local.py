"""What the other commands find on the machine of a gateway."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from trio_gateway.cli.local import (
    authority,
    client_url,
    find_api_key,
    find_redis_url,
    find_token_secret,
    is_local,
    is_loopback,
)
from trio_gateway.model.errors import ConfigurationError
from trio_gateway.settings.data_directory import make_development_api_key, make_development_secret
from trio_gateway.settings.settings import Settings


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_only_this_machine_reaches_a_loopback_address(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.com", "localhost.example.com"])
def test_others_may_reach_every_other_address(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("host", "written"),
    [
        ("127.0.0.1", "127.0.0.1:80"),
        ("0.0.0.0", "127.0.0.1:80"),
        ("::1", "[::1]:80"),
        ("::", "[::1]:80"),
        ("a.b", "a.b:80"),
    ],
)
def test_an_address_is_written_as_in_a_url_that_reaches_it(host: str, written: str) -> None:
    assert authority(host, 80) == written


def test_clients_connect_where_the_settings_say() -> None:
    assert client_url(Settings(host="::1", port=81)) == "ws://[::1]:81/ws"


def test_the_configured_redis_comes_first(data_dir: Path) -> None:
    assert find_redis_url(Settings(redis_url="redis://db", data_dir=data_dir)) == "redis://db"


def test_the_embedded_servers_socket_is_found(tmp_path: Path) -> None:
    (tmp_path / "a dir").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "a dir" / "valkey.sock"))
        server.listen()
        assert find_redis_url(Settings(data_dir=tmp_path / "a dir")) == f"unix://{tmp_path}/a%20dir/valkey.sock"


def test_where_nothing_runs_it_says_so(data_dir: Path) -> None:
    words = f"^no gateway runs on {data_dir}; start one with `trio-gateway serve`, or"
    with pytest.raises(ConfigurationError, match=words):
        find_redis_url(Settings(data_dir=data_dir))


@pytest.mark.parametrize("url", ["ws://127.0.0.1:81/ws", "ws://[::1]:81", "wss://localhost", "ws://LOCALHOST:1"])
def test_a_loopback_url_leads_to_this_machine(url: str) -> None:
    assert is_local(url)


@pytest.mark.parametrize("url", ["wss://example.com/ws", "ws://10.0.0.1", "ws://localhost.example.com", "ws://0x7f.1"])
def test_every_other_url_may_lead_elsewhere(url: str) -> None:
    assert not is_local(url)


def test_what_was_made_up_here_serves_only_a_gateway_of_this_machine(data_dir: Path) -> None:
    secret = make_development_secret(data_dir)
    settings = Settings(data_dir=data_dir)
    assert find_token_secret(settings) == secret
    assert find_token_secret(settings, "ws://127.0.0.1:8000/ws") == secret
    assert find_token_secret(settings, "wss://example.com/ws") is None


def test_a_secret_that_was_given_serves_everywhere(data_dir: Path) -> None:
    make_development_secret(data_dir)
    settings = Settings(data_dir=data_dir, token_secret="given")
    assert find_token_secret(settings, "wss://example.com/ws") == "given"


def test_the_key_of_the_api_that_was_made_up_here_is_found_for_this_machine_alone(data_dir: Path) -> None:
    key = make_development_api_key(data_dir)
    for host in ("127.0.0.1", "localhost", "::1", "0.0.0.0", "::"):
        assert find_api_key(Settings(admin_host=host, data_dir=data_dir)) == key
    assert find_api_key(Settings(admin_host="example.com", data_dir=data_dir)) is None


def test_a_configured_key_of_the_api_comes_first(data_dir: Path) -> None:
    make_development_api_key(data_dir)
    settings = Settings(admin_host="example.com", api_keys="one,two", data_dir=data_dir)
    assert find_api_key(settings) == "one"
