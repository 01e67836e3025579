"""The command as a process: it starts, answers, and stops; and what it does when it can't."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ports import free_port

PROGRAM = [sys.executable, "-c", "import sys; from trio_gateway.cli.main import main; sys.exit(main())"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def gateway(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[str]]:
    monkeypatch.setenv("TRIO_GATEWAY_PORT", str(free_port()))
    monkeypatch.setenv("TRIO_GATEWAY_ADMIN_PORT", str(free_port()))
    with subprocess.Popen([*PROGRAM, "serve"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            if "is ready" not in process.stdout.readline():
                pytest.fail(f"serve ended: {process.communicate(timeout=30)}")
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_well(gateway: subprocess.Popen[str], number: signal.Signals) -> None:
    gateway.send_signal(number)
    _output, errors = gateway.communicate(timeout=30)
    assert gateway.returncode == 0
    assert "Traceback" not in errors


def test_what_is_published_twice_with_an_id_has_one_position(gateway: subprocess.Popen[str]) -> None:
    first, second = (run("publish", "--user", "7", "--id", "m1", '{"text": "hi"}') for _ in range(2))
    assert (first.returncode, first.stderr) == (0, "")
    assert second.stdout == first.stdout


def test_a_listener_on_the_same_machine_gets_what_is_published(gateway: subprocess.Popen[str]) -> None:
    assert run("publish", "--user", "7", '{"text": "hi"}').returncode == 0
    command = [*PROGRAM, "listen", "--user", "7", "--since", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as listener:
        try:
            assert listener.stdout is not None
            message = json.loads(listener.stdout.readline())
        finally:
            listener.kill()
    assert (message["channel"], message["data"]) == ("#7", {"text": "hi"})


@pytest.mark.parametrize("option", ["--port", "--admin-port"])
def test_a_port_in_use_is_one_line_and_1(option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIO_GATEWAY_PORT", str(free_port()))
    monkeypatch.setenv("TRIO_GATEWAY_ADMIN_PORT", str(free_port()))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        ended = run("serve", option, str(port))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert f"port {port} of 127.0.0.1 is in use" in ended.stderr
    assert ended.stderr.count("\n") == 1
