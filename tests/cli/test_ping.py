"""`ping` asks the admin port, and puts the answer into an exit code."""

from __future__ import annotations

import socket

import pytest
from cli.admin import Admin

from trio_gateway.cli.main import main


def test_a_ready_gateway_is_0(admin: type[Admin], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ping"]) == 0
    assert capsys.readouterr().out == "ready\n"
    assert admin.asked == ("GET", "/health/ready", None, b"")


def test_one_that_is_not_ready_is_1_with_the_reasons(admin: type[Admin], capsys: pytest.CaptureFixture[str]) -> None:
    admin.status, admin.body = 503, b'{"status": "not ready", "reasons": ["draining", "no broker"]}'
    assert main(["ping"]) == 1
    assert capsys.readouterr().err == "trio-gateway: error: not ready: draining; no broker\n"


@pytest.mark.parametrize("body", [b"<html>bad gateway", b"[]", b"{}", b'{"reasons": 5}'])
def test_who_answers_otherwise_is_no_admin_port(
    admin: type[Admin], body: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    admin.status, admin.body = 502, body
    assert main(["ping"]) == 1
    error = capsys.readouterr().err
    assert "answers with HTTP status 502, and not as a gateway's admin port does" in error
    assert "html" not in error


def test_where_nobody_listens_is_1(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert main(["ping", "--admin-port", str(port)]) == 1
    error = capsys.readouterr().err
    assert f"no answer from http://127.0.0.1:{port}/health/ready: " in error
    assert error.count("\n") == 1


def test_a_proxy_of_the_environment_is_not_asked(admin: type[Admin], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert main(["ping"]) == 0


def test_who_listens_on_every_address_is_asked_on_the_loopback_one(admin: type[Admin]) -> None:
    assert main(["ping", "--admin-host", "0.0.0.0"]) == 0
