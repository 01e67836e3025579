"""The project is what it says: each fact stands in one place, nothing of a machine is in it, and the wheel is whole."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PYTHONS = re.findall(r"Python :: (3\.\d+)", "\n".join(PYPROJECT["project"]["classifiers"]))
ABSOLUTE = re.compile(r"(?<![\w.:/}\]])/(?:home|root|work|Users|mnt|opt/venv)/\w+")
"""A path of somebody's machine; web addresses and placeholders are none."""


def tracked() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for name in names.split("\0") if name and (path := ROOT / name).is_file()]


def test_the_installed_version_is_the_one_in_pyproject():
    assert importlib.metadata.version("trio-gateway") == PYPROJECT["project"]["version"]


def test_the_version_stands_in_no_module():
    version = PYPROJECT["project"]["version"]

    assert [path for path in (ROOT / "trio_gateway").rglob("*.py") if f'"{version}"' in path.read_text("utf-8")] == []


def test_the_oldest_python_is_the_same_for_pip_for_the_classifiers_and_for_ruff():
    oldest = PYTHONS[0]

    assert PYPROJECT["project"]["requires-python"] == f">={oldest}"
    assert PYPROJECT["tool"]["ruff"]["target-version"] == "py" + oldest.replace(".", "")


def test_the_changelog_tells_of_this_version():
    changelog = ROOT / "CHANGELOG.md"
    if not changelog.exists():
        pytest.skip("no changelog yet")

    assert PYPROJECT["project"]["version"] in changelog.read_text(encoding="utf-8")


def test_no_file_carries_a_path_of_somebodys_machine():
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in tracked()
        for match in ABSOLUTE.finditer(path.read_text(encoding="utf-8", errors="replace"))
    ]

    assert found == []


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    return zipfile.ZipFile(build("wheel", tmp_path_factory.mktemp("wheel")))


def build(target: str, folder: Path) -> Path:
    """Build as pip would, but in this environment, without the network."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.iterdir()
    return built


def test_the_wheel_carries_every_file_of_the_package(wheel):
    files = {path.relative_to(ROOT).as_posix() for path in (ROOT / "trio_gateway").rglob("*.*") if path.is_file()}
    missing = {name for name in files if "__pycache__" not in name} - set(wheel.namelist())

    assert missing == set()


@pytest.mark.parametrize("kind", [".lua", ".html", ".js", ".d.ts", ".typed"])
def test_the_wheel_carries_what_is_no_python(wheel, kind):
    assert [name for name in wheel.namelist() if name.endswith(kind)]


def test_the_wheel_carries_the_package_and_nothing_else(wheel):
    tops = {name.partition("/")[0] for name in wheel.namelist()}

    assert {top for top in tops if not top.endswith(".dist-info")} == {"trio_gateway"}


def test_the_source_distribution_carries_all_that_the_tests_need(tmp_path):
    """All but what is the repository's own: CI's script, and what git ignores."""
    wanted = {path.relative_to(ROOT).as_posix() for path in tracked()}
    with tarfile.open(build("sdist", tmp_path)) as sdist:
        carried = {name.partition("/")[2] for name in sdist.getnames()}

    assert {name for name in wanted - carried if not name.startswith(".")} == set()


def test_the_wheel_installs_the_command(wheel):
    entry_points = next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))

    assert b"trio-gateway = trio_gateway.cli" in wheel.read(entry_points)
