"""The project's checks, one session each; every fact (Pythons, dependencies, tool settings) is read from pyproject.toml.

`nox` alone runs lint, types, tests, sdk, examples, browser and docs on the Python that runs nox. `nox -s tests` runs
the tests on every supported Python that this machine has; those it lacks are skipped, never failed. So is
what needs a program that is not there (Chromium, Node, Go), unless REQUIRE_PROGRAMS is set.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import nox
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

nox.needs_version = ">=2025.2.9"

PYPROJECT = nox.project.load_toml("pyproject.toml")
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
SUPPORTED = nox.project.python_versions(PYPROJECT)
PYTHONS = SUPPORTED if RUNNING in SUPPORTED else [*SUPPORTED, RUNNING]

CHROMIUMS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
"""Where a browser stands on Linux and macOS; Playwright's own is never downloaded."""

JAVASCRIPT = ("tests/sdk/javascript", "clients/js")
"""Where the JavaScript SDK is installed, for the tests alone, and what builds our own client."""

PUSH = Path("examples/push")
"""The example that comes in Node and Go as well."""

WORKERS = ("-n", str(min(16, 2 * (os.cpu_count() or 1))), "--dist", "loadfile")
"""Tests mostly wait, so there are more at a time than cores; those of one file share what they start."""

ELSEWHERE = ("--ignore=tests/browser", "--ignore=tests/docs", "--ignore=tests/examples", "--ignore=tests/sdk")
"""Tests that have a session of their own."""

nox.options.sessions = ["lint", "types", f"tests-{RUNNING}", "sdk", "examples", "browser", "docs"]
nox.options.error_on_external_run = True
# A fresh machine has one Python, and nox would turn this on by itself where CI is set.
nox.options.error_on_missing_interpreters = False


def group(name: str) -> list[str]:
    """Read a dependency group of pyproject.toml, with the groups it includes."""
    return nox.project.dependency_groups(PYPROJECT, name)


def lower_bound(requirement: Requirement) -> str | None:
    """Write a requirement's lower bound as a constraint; None where it has none or is not for this machine."""
    if requirement.marker and not requirement.marker.evaluate():
        return None
    bounds = [each.version for each in requirement.specifier if each.operator in (">=", "==", "~=")]
    return f"{canonicalize_name(requirement.name)}=={bounds[0]}" if bounds else None


def install_javascript(session: nox.Session) -> None:
    """Install what is JavaScript as the lock files say; without npm, warn that its tests are skipped, or fail."""
    if shutil.which("npm"):
        for folder in JAVASCRIPT:
            session.run("npm", "ci", "--prefix", folder, external=True)
    else:
        lacking(session, "Node with npm")


def lacking(session: nox.Session, program: str) -> None:
    """Warn that what needs a program is skipped, or fail where CI must have it."""
    (session.error if os.environ.get("REQUIRE_PROGRAMS") else session.warn)(f"{program} is not installed")


@nox.session(tags=["quick"])
def lint(session: nox.Session) -> None:
    """Check style, and that the formatter would change nothing."""
    session.install(*group("lint"))
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", "--check")


@nox.session(tags=["quick"])
def types(session: nox.Session) -> None:
    """Check the types of the package and of the examples, strictly."""
    session.install("-e.[examples]", *group("types"))
    session.run("mypy", *session.posargs)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests, several at a time; with `-- -n0` one by one, as `--pdb` wants it."""
    session.install("-e.", *group("tests"))
    session.run("pytest", *WORKERS, *ELSEWHERE, *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Run the tests one by one, and show which lines of the package they leave out."""
    session.install("-e.", *group("coverage"))
    session.run("coverage", "erase")
    try:
        session.run("coverage", "run", "-m", "pytest", *ELSEWHERE, *session.posargs)
    finally:
        session.run("coverage", "combine", "--quiet", success_codes=[0, 1])
        session.run("coverage", "report", success_codes=[0, 1])


@nox.session
def lowest(session: nox.Session) -> None:
    """Run the tests with every dependency at the lower bound that pyproject.toml promises."""
    bounds = [lower_bound(Requirement(each)) for each in PYPROJECT["project"]["dependencies"]]
    constraints = Path(session.create_tmp()) / "lowest.txt"
    constraints.write_text("\n".join(filter(None, bounds)) + "\n", encoding="utf-8")
    session.install("-e.", *group("tests"), "--constraint", str(constraints))
    session.run("pytest", *WORKERS, *ELSEWHERE, *session.posargs)


@nox.session
def sdk(session: nox.Session) -> None:
    """Run our JavaScript client, the published SDKs and API clients; what is JavaScript is skipped where there is no Node."""
    session.install("-e.", *group("sdk"))
    install_javascript(session)
    session.run("pytest", *WORKERS, "tests/sdk", *session.posargs)


@nox.session
def examples(session: nox.Session) -> None:
    """Run the examples; those in Node and Go are skipped where there is none, and the chat's page is tried by `browser`."""
    session.install("-e.[examples]", *group("tests"))
    if shutil.which("npm"):
        session.run("npm", "ci", "--prefix", str(PUSH / "node"), external=True)
    else:
        lacking(session, "Node with npm")
    if shutil.which("go"):
        # Go keeps what it has compiled, so that the tests' own build takes no time.
        session.run("go", "-C", str(PUSH / "go"), "build", "-o", os.devnull, ".", external=True)
    else:
        lacking(session, "Go")
    session.run("pytest", *WORKERS, "tests/examples", *session.posargs)


@nox.session
def browser(session: nox.Session) -> None:
    """Try the pages, the README's JavaScript, our client, the SDK and the chat in headless Chromium; skipped where there is none."""
    chromium = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if chromium is None:
        (session.error if os.environ.get("REQUIRE_PROGRAMS") else session.skip)("Chromium or Chrome is not installed")
    session.install("-e.[examples]", *group("browser"))
    install_javascript(session)
    session.run("pytest", *WORKERS, "tests/browser", *session.posargs, env={"CHROMIUM": chromium})


@nox.session
def docs(session: nox.Session) -> None:
    """Run the code in the README and the docs pages, hold their tables against the code, and follow their links."""
    session.install("-e.", *group("docs"))
    # One after another: the pages show the gateway's own ports.
    session.run("pytest", "tests/test_links.py", "tests/docs", "README.md", "docs", "clients", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure the gateway beside the floors: `nox -s bench -- --help` tells the options."""
    session.install("-e.")
    session.run("python", "-m", "bench", *session.posargs)
