"""`serve` lets nobody in who can't be told apart, and hands the settings to the supervisor."""

from __future__ import annotations

import json
import logging
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import jwt
import pytest
import trio

from trio_gateway.cli.main import main
from trio_gateway.model.errors import ConfigurationError, StartFailed
from trio_gateway.settings.data_directory import read_development_secret
from trio_gateway.settings.settings import Settings

SECRET = "a secret that is long enough for HS256"


class FakeSupervisor(types.ModuleType):
    """Be ready at once and end, or raise `error`."""

    settings: Settings
    error: BaseException | None = None
    health = types.SimpleNamespace(broker=types.SimpleNamespace(reasons=()))

    async def serve_gateway(self, settings: Settings, *, on_open: Callable[[types.SimpleNamespace], None]) -> None:
        self.settings = settings
        await trio.lowlevel.checkpoint()
        if self.error:
            raise self.error
        on_open(types.SimpleNamespace(port=settings.port, admin_port=settings.admin_port, health=lambda: self.health))


@pytest.fixture
def supervisor(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSupervisor]:
    fake = FakeSupervisor("trio_gateway.supervisor")
    monkeypatch.setitem(sys.modules, "trio_gateway.supervisor", fake)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield fake
    root.handlers[:] = handlers
    root.setLevel(level)


def test_on_this_machine_it_makes_up_a_secret_and_prints_a_token(
    supervisor: FakeSupervisor, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve"]) == 0
    secret = read_development_secret(data_dir)
    assert secret
    assert supervisor.settings.token_secret == secret
    banner = capsys.readouterr().out
    token = next(line.strip() for line in banner.splitlines() if line.strip().startswith("eyJ"))
    assert jwt.decode(token, secret, algorithms=["HS256"])["sub"] == "7"
    assert str(data_dir / "development-secret") in banner


def test_the_same_secret_serves_the_next_time(supervisor: FakeSupervisor) -> None:
    main(["serve"])
    first = supervisor.settings.token_secret
    main(["serve"])
    assert supervisor.settings.token_secret == first


def test_a_given_secret_is_neither_replaced_nor_shown(
    supervisor: FakeSupervisor, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--token-secret", SECRET]) == 0
    assert supervisor.settings.token_secret == SECRET
    assert read_development_secret(data_dir) is None
    assert SECRET not in "".join(capsys.readouterr())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.com"])
def test_where_others_can_connect_it_refuses_to_start_without_a_secret(
    host: str, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--host", host]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"--host {host}" in error
    assert "--token-secret" in error
    assert not data_dir.exists()


def test_insecure_needs_no_secret_and_says_so_in_the_banner(
    supervisor: FakeSupervisor, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--insecure"]) == 0
    assert supervisor.settings.token_secret is None
    assert "--insecure" in capsys.readouterr().out


def test_without_its_store_it_does_not_say_that_it_is_ready(
    supervisor: FakeSupervisor, capsys: pytest.CaptureFixture[str]
) -> None:
    supervisor.health = types.SimpleNamespace(broker=types.SimpleNamespace(reasons=("no connection to db",)))
    assert main(["serve"]) == 0
    output = capsys.readouterr().out
    assert "is ready" not in output
    assert "no connection to db" in output


def test_logs_for_machines_come_without_a_banner(
    supervisor: FakeSupervisor, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--log-format", "json"]) == 0
    output = capsys.readouterr()
    assert output.out == ""
    (line,) = map(json.loads, output.err.splitlines())
    assert line["event"] == "no token secret is set, so one was made up for this machine"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StartFailed("port 8000 of 127.0.0.1 is in use"), 1),
        (ExceptionGroup("", [StartFailed("port 8000 of 127.0.0.1 is in use")]), 1),
        (ConfigurationError("no such host"), 2),
        (KeyboardInterrupt(), 130),
    ],
)
def test_a_failed_start_is_one_line_at_most(
    supervisor: FakeSupervisor, error: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    supervisor.error = error
    assert main(["serve"]) == code
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == (code != 130)
