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
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def shown(self) -> str:
        """Give what appeared, without colours."""
        return ESCAPE.sub("", "".join(self._pieces)).replace("\r\n", "\n")

    def wait(self) -> None:
        """Wait for the command's end; raises AssertionError where it failed."""
        self.process.wait(self.patience)
        self._reader.join()
        assert self.process.returncode == 0, f"exit code {self.process.returncode}:\n{self.shown}"

    def wait_until(self, condition: Callable[[], bool], hope: str) -> None:
        """Wait until the condition holds; raises AssertionError when it does not in time or the command ended."""
        deadline = time.monotonic() + self.patience
        while not condition():
            alive = self.process.poll() is None and time.monotonic() < deadline
            assert alive or condition(), f"{hope}, but it shows:\n{self.shown}"
            time.sleep(0.05)

    def close(self) -> None:
        """End the command as somebody who presses Ctrl-C, and wait until nobody holds the terminal any more."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(SECONDS)
        self._reader.join()
        os.close(self._ours)

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._ours, 65_536)
            except OSError:  # EIO: the last process on the terminal has ended
                return
            self._pieces.append(data.decode("utf-8", "replace"))
