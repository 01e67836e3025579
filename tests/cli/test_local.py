"""What the other commands find on the machine of a gateway."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from trio_gateway.cli.local import authority, client_url, find_redis_url, is_loopback
from trio_gateway.model.errors import StartFailed
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
    with pytest.raises(StartFailed, match=f"^no gateway runs on {data_dir}; start one with `trio-gateway serve`, or"):
        find_redis_url(Settings(data_dir=data_dir))
