"""The code on the docs pages runs: each page is one test file, each block of Python or shell one test, in order.

A shell block is what somebody pastes into a terminal of their own. A block that serves or listens
keeps its terminal until the page ends. `<!--- skip: next -->` above a block leaves it out.
"""

from __future__ import annotations

import os
import subprocess
import sysconfig
import tempfile
import time
from pathlib import Path

from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

ROOT = Path(__file__).parent
SECONDS = 60.0
"""A block that takes longer hangs; the slowest starts a gateway, which takes under 2 s."""


class Terminals:
    """Run a page's shell blocks, with a home directory of their own."""

    def __init__(self) -> None:
        self.home = tempfile.TemporaryDirectory(prefix="tg-docs-")
        self.open: list[subprocess.Popen[str]] = []
        paths = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")])
        self.environment = {"HOME": self.home.name, "PATH": paths, "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}

    def run(self, block: str) -> None:
        """Run one block to its end; one that serves or listens only until it is ready."""
        serves, listens = "trio-gateway serve" in block, "trio-gateway listen" in block
        if serves and self.answers():
            raise AssertionError("a gateway runs on this machine already: the pages need its ports, 8000 and 9000")
        log = Path(self.home.name, f"{len(self.open)}.log")
        with log.open("w") as output:
            shell = self.start(["bash", "-euo", "pipefail", "-c", block], output)
        self.open.append(shell)
        self.wait(shell, log) if serves or listens else shell.wait(SECONDS)
        if shell.returncode:
            raise AssertionError(f"exit code {shell.returncode}:\n{log.read_text()}")

    def start(self, command: list[str], output: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        )

    def wait(self, shell: subprocess.Popen[str], log: Path) -> None:
        """Wait until a gateway answers: what serves is up then, what listens can connect."""
        deadline = time.monotonic() + SECONDS
        while not self.answers() or shell.poll() is not None:
            if shell.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"no gateway came up:\n{log.read_text()}")

    def answers(self) -> bool:
        """Tell whether a gateway answers on the default ports."""
        ping = ["trio-gateway", "ping"]
        return not subprocess.run(ping, env=self.environment, check=False, capture_output=True).returncode

    def close(self) -> None:
        """End what the page left running, the last first, as somebody closes their terminals."""
        for shell in reversed(self.open):
            if shell.poll() is None:
                os.killpg(shell.pid, 15)
                shell.wait(SECONDS)
        self.home.cleanup()


def run_shell(example: Example) -> None:
    example.namespace["terminals"].run(example.parsed)


def open_page(namespace: dict[str, object]) -> None:
    namespace["terminals"] = Terminals()


def close_page(namespace: dict[str, object]) -> None:
    namespace["terminals"].close()


pytest_collect_file = Sybil(
    parsers=[SkipParser(), PythonCodeBlockParser(), CodeBlockParser(language="sh", evaluator=run_shell)],
    patterns=["README.md", "docs/*.md"],
    setup=open_page,
    teardown=close_page,
).pytest()
