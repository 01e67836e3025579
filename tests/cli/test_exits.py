"""Every way to end has its exit code, and one line at most."""

from __future__ import annotations

import pytest

from trio_gateway.cli.exits import exit_code, report, say
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


def test_an_error_is_one_line_whatever_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    report(ExceptionGroup("", [StartFailed("a port\nis taken"), StartFailed("another")]))
    assert capsys.readouterr().err == "trio-gateway: error: a port is taken\n"


def test_an_interrupt_needs_no_words(capsys: pytest.CaptureFixture[str]) -> None:
    report(KeyboardInterrupt())
    assert capsys.readouterr() == ("", "")


def test_what_is_said_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    say("hello")
    assert capsys.readouterr() == ("", "trio-gateway: hello\n")
