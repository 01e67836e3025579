"""A page of the docs runs from top to bottom, as somebody who follows it would do it on a machine of their own.

What a fenced block means is told by its language, and by nothing else:

    sh      pasted into a terminal of its own, in one folder for the page; a gateway, a listener or a
            program of ours keeps running there until the page ends, anything else must succeed
    text    what now stands on one of the page's terminals; each … stands for what differs
    python  run in one namespace for the page
    js      run by Node (20 or later), as if pasted into the console of a browser that shows the admin page (a real
            one runs it in tests/browser), and must succeed where it ends before the page does; without Node it is
            skipped, and the `text` below it as well
    ws      a conversation over a WebSocket, see conversation.py
    http    one over HTTP, likewise
    toml    valid TOML; where the first line is a file's name, in a comment, that file of the page's folder

`<!--- skip: next "why" -->` above a block leaves it out, as it must for `ini` and `dockerfile`. What is
`json` is read by a test in this folder; blocks without a language are drawings.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from docs.conversation import exchange, matches, play
from docs.deadline import interrupted_after
from docs.terminal import INSTALL_SECONDS, SECONDS, Terminal
from programs import find_program
from sybil import Example
from sybil.evaluators.python import PythonEvaluator

ROOT = Path(__file__).parent.parent.parent
CLIENTS, ADMIN = "127.0.0.1:8000", "127.0.0.1:9000"

SERVES = f"ws://{CLIENTS}/ws"
"""What a gateway prints when clients can connect; one whose port is in use names it in other words."""

STAYS = re.compile(r"trio-gateway (serve|listen)|bin/python \w+\.py")
"""Blocks that keep their terminal."""

IN_THE_CONSOLE = f"""\
const fetchAnywhere = fetch;
globalThis.fetch = (path, options) => fetchAnywhere(new URL(path, "http://{ADMIN}"), options);
"""
"""Node has no page, so a path alone leads nowhere."""

run_python = PythonEvaluator()


class Page:
    """Hold one page's folder, its home directory, and its terminals.

    With `clone` the folder is a fresh copy of this project; else it has nothing but a `.venv` with the gateway.
    """

    def __init__(self, *, clone: bool) -> None:
        self._place = tempfile.TemporaryDirectory(prefix="tg-docs-")
        self.home = Path(self._place.name, "home")
        self.folder = Path(self._place.name, "here")
        self.terminals: list[Terminal] = []
        self._scripts: list[Terminal] = []
        self.printed = io.StringIO()
        self._missing = ""
        self._before = (os.environ.copy(), Path.cwd())
        self.home.mkdir()
        if clone:
            shutil.copytree(ROOT, self.folder, ignore=shutil.ignore_patterns(".*", "__pycache__", "node_modules"))
        else:
            self.folder.mkdir()
            (self.folder / ".venv").symlink_to(sys.prefix)
        self._enter()

    def _enter(self) -> None:
        paths = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", ""), self._stand_ins()])
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TRIO_GATEWAY_", "XDG_"))}
        environment = {**kept, "HOME": str(self.home), "PATH": paths, "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(self.folder)

    def _stand_ins(self) -> str:
        """Make a folder with programs that a page may need and a fresh machine lacks; it comes last in the PATH."""
        folder = self.home / "bin"
        folder.mkdir()
        program = folder / "redis-cli"
        source = Path(__file__).with_name("redis_cli.py").read_text(encoding="utf-8")
        program.write_text(f"#!{sys.executable}\n{source}", encoding="utf-8")
        program.chmod(0o755)
        return str(folder)

    def close(self) -> None:
        """End what the page left running, the last first, as somebody closes their terminals.

        Raises AssertionError where JavaScript has ended before, and failed.
        """
        with contextlib.ExitStack() as stack:
            stack.callback(self._leave)
            for terminal in self.terminals:
                stack.callback(terminal.close)
            for script in self._scripts:
                stack.callback(script.check)

    def _leave(self) -> None:
        before, folder = self._before
        os.environ.clear()
        os.environ.update(before)
        os.chdir(folder)
        self._place.cleanup()

    def run_shell(self, block: str) -> None:
        """Run a block to its end; one that stays only until it shows something and a gateway answers."""
        serves = "trio-gateway serve" in block
        if serves and answers():
            raise AssertionError("a gateway runs on this machine already: the pages need its ports, 8000 and 9000")
        patience = INSTALL_SECONDS if "pip install" in block else SECONDS
        terminal = self._open(["bash", "-euo", "pipefail", "-c", block], patience)
        if not STAYS.search(block):
            terminal.wait()
        elif serves:
            # Another gateway may have come meanwhile and answer: this one is up when it says so.
            terminal.wait_until(lambda: SERVES in terminal.shown and answers(), "a gateway was to come up")
        else:
            terminal.wait_until(lambda: bool(terminal.shown), "something was to appear")

    def expect(self, text: str) -> None:
        """Wait until a text stands on some terminal, or was printed by Python; raises AssertionError otherwise."""
        if self._missing:
            missing, self._missing = self._missing, ""
            pytest.skip(missing)
        text = text.rstrip("\n")
        deadline = time.monotonic() + SECONDS
        while not any(matches(text, shown) for shown in self._screens()):
            assert time.monotonic() < deadline, f"expected:\n{text}\n\n{self._report()}"
            time.sleep(0.05)

    def run_python(self, example: Example) -> None:
        """Run Python in the page's namespace; raises AssertionError where it hangs."""
        with interrupted_after(SECONDS, self._report), contextlib.redirect_stdout(self.printed):
            run_python(example)

    def run_javascript(self, block: str) -> None:
        """Run JavaScript in Node, which may go on until the page ends."""
        try:
            node = find_program("node")
        except pytest.skip.Exception as skipped:
            self._missing = str(skipped)
            raise
        script = Path(self.folder, "console.mjs")
        script.write_text(IN_THE_CONSOLE + block, encoding="utf-8")
        # Since Node 22 the flag is no news.
        terminal = self._open([node, "--experimental-websocket", "--no-warnings", str(script)], SECONDS)
        self._scripts.append(terminal)
        terminal.wait_until(lambda: bool(terminal.shown), "something was to appear")

    def converse(self, block: str) -> None:
        """Play a conversation against the page's gateway."""
        play(block.splitlines(), CLIENTS, self.run_shell)

    def exchange(self, block: str) -> None:
        """Play a request and its response against the page's gateway."""
        exchange(block.splitlines(), CLIENTS, self.run_shell)

    def write_file(self, block: str) -> None:
        """Check that a block is TOML, and write the file that its first line names."""
        tomllib.loads(block)
        if name := re.match(r"# (\w+\.toml)\n", block):
            Path(self.folder, name[1]).write_text(block, encoding="utf-8")

    def _open(self, command: list[str], patience: float) -> Terminal:
        terminal = Terminal(command, cwd=self.folder, environment=os.environ, patience=patience)
        self.terminals.append(terminal)
        return terminal

    def _report(self) -> str:
        return "\n".join(["there stands:", *self._screens()])

    def _screens(self) -> list[str]:
        return [*(terminal.shown for terminal in self.terminals), self.printed.getvalue()]


def answers() -> bool:
    """Tell whether a gateway is ready on the default ports."""
    return not subprocess.run(["trio-gateway", "ping"], check=False, capture_output=True, timeout=SECONDS).returncode


def refuse(_page: Page, _example: Example) -> None:
    """Say that a block of this language can't run here, so that it needs a reason to stand on a page."""
    raise AssertionError('blocks of this language can not run here: write <!--- skip: next "why" --> above it')


EVALUATORS: dict[str, Callable[[Page, Example], None]] = {
    "sh": lambda page, example: page.run_shell(example.parsed),
    "text": lambda page, example: page.expect(example.parsed),
    "python": lambda page, example: page.run_python(example),
    "js": lambda page, example: page.run_javascript(example.parsed),
    "http": lambda page, example: page.exchange(example.parsed),
    "ws": lambda page, example: page.converse(example.parsed),
    "toml": lambda page, example: page.write_file(example.parsed),
    "ini": refuse,
    "dockerfile": refuse,
}
"""What each language of a block means."""
