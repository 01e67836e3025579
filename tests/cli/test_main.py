"""The entry point: help that teaches, and errors in one line."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version

import pytest
from cli.misuse import assert_misused

from trio_gateway.cli import app as entry
from trio_gateway.cli.main import main

COMMANDS = ["serve", "listen", "publish", "api", "token", "config", "ping"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = "import sys; from trio_gateway.cli.main import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"trio-gateway {version('trio-gateway')}\n"


def test_the_help_shows_every_command_and_how_to_begin(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"│ {command} " in text for command in COMMANDS)
    assert "trio-gateway listen --user 7 --device phone" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_each_commands_help_has_an_example_and_fits_80_columns(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "--help"]) == 0
    text = capsys.readouterr().out
    assert "trio-gateway " in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["srve"], 'Unknown command "srve". Did you mean "serve"?'),
        (["serve", "--prt", "1"], "Unknown option: --prt. Did you mean --port?"),
        (["serve", "--port"], "--port requires an argument"),
        (["serve", "more"], "unexpected argument more"),
        (["serve", "--port", "x"], "--port: expected a port from 0 to 65535"),
        (["serve", "--insecure=maybe"], "--insecure"),
        (["token"], "--user"),
    ],
)
def test_a_misused_command_ends_with_2_and_one_line_on_stderr(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_misused(arguments, words, capsys)


def test_an_interrupt_ends_quietly_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(entry, "make_app", interrupt)
    assert main([]) == 130
    assert capsys.readouterr() == ("", "")


def test_a_bug_shows_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(entry, "make_app", fail)
    with pytest.raises(ZeroDivisionError):
        main([])


def test_the_process_ends_with_the_commands_exit_code_and_no_traceback() -> None:
    ended = run("config", "--port", "x")
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1


def test_a_reader_who_has_gone_is_no_error() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    program = "import sys; from trio_gateway.cli.main import main; sys.exit(main(['config', '--example']))"
    with os.fdopen(write_end, "w") as nobody_reads:
        ended = subprocess.run(
            [sys.executable, "-c", program],
            stdout=nobody_reads,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert (ended.returncode, ended.stderr) == (1, "")


def test_the_help_needs_none_of_the_heavy_libraries() -> None:
    program = (
        "import sys; from trio_gateway.cli.main import main; main(['token', '--help']);"
        "print([n for n in ('trio', 'redis', 'jwt', 'structlog', 'starlette', 'hypercorn') if n in sys.modules],"
        "file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert ended.stderr == "[]\n"
