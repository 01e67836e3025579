"""A misused command ends with exit code 2 and one line on stderr: asked in one place, for every way to misuse one."""

from __future__ import annotations

import pytest

from trio_gateway.cli.main import main


def assert_misused(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Run a command; fail unless it ends with 2, says one line with these words on stderr, and nothing else."""
    assert main(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("trio-gateway: error: ")
    assert words in output.err
    assert output.err.count("\n") == 1
