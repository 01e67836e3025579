"""A terminal runs what somebody pastes, on a pseudo-terminal, and keeps everything that appears on it."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
"""Colours and cursor movements."""

SECONDS = 60.0
"""A block that takes longer hangs; the slowest starts a gateway, which takes under 3 s."""

INSTALL_SECONDS = 900.0
"""For one that installs packages first."""


class Terminal:
    """Run one command on a pseudo-terminal; `shown` is what appeared on it so far."""

    def __init__(self, command: Sequence[str], *, cwd: Path, environment: Mapping[str, str], patience: float) -> None:
        self.patience = patience
        self._pieces: list[str] = []
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            command, cwd=cwd, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
        os.close(theirs)
        self._reader = threading.Thread(target=self._read, daemon=True)  # the end of the tests does not wait for it
        self._reader.start()

    @property
    def shown(self) -> str:
        """Give what appeared, without colours."""
        return ESCAPE.sub("", "".join(self._pieces)).replace("\r\n", "\n")

    def wait(self) -> None:
        """Wait for the command's end; raises AssertionError where it failed."""
        self._wait_end(self.patience)
        self.check()

    def check(self) -> None:
        """Raise AssertionError where the command has ended and failed."""
        assert not self.process.poll(), f"exit code {self.process.returncode}:\n{self.shown}"

    def wait_until(self, condition: Callable[[], bool], hope: str) -> None:
        """Wait until the condition holds; raises AssertionError when it does not in time or the command ended."""
        deadline = time.monotonic() + self.patience
        while not condition():
            alive = self.process.poll() is None and time.monotonic() < deadline
            assert alive or condition(), f"{hope}, but it shows:\n{self.shown}"
            time.sleep(0.05)

    def close(self) -> None:
        """End the command as somebody who presses Ctrl-C; kills it and raises AssertionError where that does not end it."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        try:
            self._wait_end(SECONDS)
        finally:
            if not self._reader.is_alive():  # or it would go on reading whatever gets this number next
                os.close(self._ours)

    def _wait_end(self, seconds: float) -> None:
        """Wait until the command has ended and nobody holds the terminal any more."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            raise AssertionError(f"this did not end within {seconds:g} s; it shows:\n{self.shown}") from None
        self._reader.join(seconds)
        assert not self._reader.is_alive(), f"something that it started holds the terminal still:\n{self.shown}"

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._ours, 65_536)
            except OSError:  # EIO: the last process on the terminal has ended
                return
            self._pieces.append(data.decode("utf-8", "replace"))
