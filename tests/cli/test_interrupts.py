"""Ctrl-C while the program is still being imported ends it as quietly as later."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from trio_gateway.cli.interrupts import EndingAtOnce

PROGRAM = """\
import os, signal, sys

class Interrupter:
    # As Ctrl-C in a callback of the collector, where an exception is printed and forgotten: the import
    # system has such callbacks.
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            Interrupter()

sys.meta_path.insert(0, Finder())
from trio_gateway.cli.main import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("cyclopts", ["serve"]),
        ("trio_gateway.cli.exits", ["publish", "--user", "7", "1"]),
        ("trio", ["serve"]),
        ("trio_gateway.supervisor", ["serve"]),
        ("trio_gateway.client.connect", ["listen", "--user", "7"]),
    ],
)
def test_ctrl_c_during_an_import_is_130_without_a_word(module: str, arguments: list[str]) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, module, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_afterwards_ctrl_c_raises_again() -> None:
    with EndingAtOnce():
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_a_background_job_that_ignores_ctrl_c_goes_on_ignoring_it() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with EndingAtOnce():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_nothing_slow_is_imported_before_ctrl_c_can_be_caught() -> None:
    program = "import sys; before = set(sys.modules); import trio_gateway.cli.main; print(*set(sys.modules) - before)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert set(ended.stdout.split()) <= {"__future__", "trio_gateway", "trio_gateway.cli", "trio_gateway.cli.main"}
