"""Every way to end has its exit code, and one line at most."""

from __future__ import annotations

import socket

import pytest

from trio_gateway.cli.exits import exit_code, report, say
from trio_gateway.cli.main import main
from trio_gateway.model.errors import BrokerUnavailable, ConfigurationError, InvalidData, StartFailed
from trio_gateway.settings.option import InvalidOption


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigurationError("x"), 2),
        (InvalidData("x"), 2),
        (InvalidOption("port", "x"), 2),
        (StartFailed("x"), 1),
        (BrokerUnavailable("x"), 1),
        (BrokenPipeError(), 1),
        (KeyboardInterrupt(), 130),
        (ZeroDivisionError(), None),
        (BaseExceptionGroup("", [KeyboardInterrupt(), StartFailed("x")]), 130),
        (ExceptionGroup("", [ExceptionGroup("", [StartFailed("x")])]), 1),
        (ExceptionGroup("", [StartFailed("x"), ConfigurationError("x")]), 2),
        (ExceptionGroup("", [StartFailed("x"), ZeroDivisionError()]), None),
    ],
)
def test_each_kind_of_error_has_its_exit_code_and_a_bug_has_none(error: BaseException, code: int | None) -> None:
    assert exit_code(error) == code


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        (0, ["config"]),
        (0, ["token", "--user", "7", "--token-secret", "hush"]),
        (1, ["ping", "--admin-port", "1"]),
        (1, ["publish", "--user", "7", "--redis-url", "redis://127.0.0.1:1", "1"]),
        (1, ["serve", "--port", "{taken}", "--admin-port", "0"]),
        (1, ["serve", "--port", "0", "--admin-port", "{taken}"]),
        (2, ["publish", "--user", "7", "1"]),
        (2, ["listen", "--user", "7", "--port", "1"]),
        (2, ["token", "--user", "7"]),
        (2, ["serve", "--port", "8000", "--admin-port", "8000"]),
        (2, ["serve", "--host", "nonexistent.invalid", "--insecure"]),
        (2, ["serve", "--config", "nonexistent.toml"]),
        *((2, [command, "--nonsense"]) for command in ("serve", "listen", "publish", "token", "config", "ping")),
    ],
)
def test_each_command_ends_as_it_is_documented(
    code: int, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = str(server.getsockname()[1])
        assert main([argument.format(taken=taken) for argument in arguments]) == code
    errors = [line for line in capsys.readouterr().err.splitlines() if ": warning: " not in line]
    assert len(errors) == (code != 0)


def test_an_error_is_one_line_whatever_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    report(ExceptionGroup("", [StartFailed("a port\nis taken"), StartFailed("another")]))
    assert capsys.readouterr().err == "trio-gateway: error: a port is taken\n"


def test_an_interrupt_needs_no_words(capsys: pytest.CaptureFixture[str]) -> None:
    report(KeyboardInterrupt())
    assert capsys.readouterr() == ("", "")


def test_what_is_said_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    say("hello")
    assert capsys.readouterr() == ("", "trio-gateway: hello\n")
