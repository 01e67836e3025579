"""The JavaScript client that the gateway carries is what its sources build to, is small, and does what its own tests say."""

from __future__ import annotations

import json
import subprocess
import tomllib
from pathlib import Path

import pytest
from programs import find_program, lacking

from trio_gateway import public

ROOT = Path(__file__).parent.parent.parent
CLIENT = ROOT / "clients/js"
CARRIED = Path(public.__file__).parent
MOST_BYTES = 6_144

SECONDS = 120.0
"""For what takes two."""


@pytest.fixture(scope="module")
def run():
    """Give what runs a program of Node's in the client's folder, and fails with what it printed."""
    node = find_program("node")
    if not (CLIENT / "node_modules").exists():
        lacking("what builds the JavaScript client is not installed: `nox -s sdk` does it")

    def run(*arguments: str) -> None:
        done = subprocess.run(
            [node, *arguments], cwd=CLIENT, check=False, capture_output=True, text=True, timeout=SECONDS
        )
        assert done.returncode == 0, done.stdout + done.stderr

    return run


@pytest.fixture(scope="module")
def built(run) -> Path:
    run("build.js", "dist")
    return CLIENT / "dist"


@pytest.mark.parametrize("name", ["client.js", "client.d.ts"])
def test_what_the_gateway_carries_is_what_the_sources_build_to(built, name):
    assert (CARRIED / name).read_bytes() == (built / name).read_bytes(), "run `node clients/js/build.js`"


def test_it_is_small():
    assert len((CARRIED / "client.js").read_bytes()) <= MOST_BYTES


def test_its_types_fit(run, built):
    run("node_modules/typescript/bin/tsc", "--project", ".")


@pytest.mark.parametrize("file", sorted((CLIENT / "test").glob("*.test.js")), ids=lambda file: file.name)
def test_it_does_what_its_tests_say(built, run, file):
    run("--test", "--test-reporter=spec", str(file))


def test_its_version_is_the_gateways():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    package = json.loads((CLIENT / "package.json").read_text(encoding="utf-8"))

    assert package["version"] == project["version"]
