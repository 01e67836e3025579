"""What people are told to type works for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from trio_gateway.settings.program import program_name


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    program = tmp_path / ".venv" / "bin" / "trio-gateway"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    return program


def test_where_the_path_leads_to_it_its_name_is_enough(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(installed.parent))
    monkeypatch.setattr("sys.argv", [str(installed)])
    assert program_name() == "trio-gateway"


@pytest.mark.parametrize("path", ["/nowhere", "{tmp}/other"])
def test_where_the_path_leads_elsewhere_it_is_called_as_it_was(
    installed: Path, tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other" / "trio-gateway"
    other.parent.mkdir()
    other.touch(mode=0o755)
    monkeypatch.setenv("PATH", path.format(tmp=tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [".venv/bin/trio-gateway"])
    assert program_name() == ".venv/bin/trio-gateway"


def test_a_path_that_a_shell_would_part_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("sys.argv", ["/my programs/trio-gateway"])
    assert program_name() == "'/my programs/trio-gateway'"


def test_within_another_program_it_has_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["/srv/restaurant.py"])
    assert program_name() == "trio-gateway"
