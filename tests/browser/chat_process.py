"""The chat as somebody runs it who tries it: by its one command, on free ports and a data directory of the test's."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from docs.markdown import ROOT
from ports import free_port

PATIENCE = 60.0
"""Seconds for what takes three at most."""


class ChatProcess:
    """Run `python -m examples.chat`; its gateway may be killed, and it may be ended by Ctrl-C."""

    def __init__(self, directory: Path) -> None:
        self.port, self.gateway_port, self.admin_port = free_port(), free_port(), free_port()
        self.data_dir = directory / "data"
        self._output = directory / "chat.log"
        command = [sys.executable, "-m", "examples.chat", "--data-dir", str(self.data_dir)]
        command += ["--port", str(self.port)]
        command += ["--gateway-port", str(self.gateway_port), "--admin-port", str(self.admin_port)]
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def output(self) -> str:
        """Read what it printed."""
        return self._output.read_text()

    def wait_ready(self) -> None:
        """Wait until it says that it is ready."""
        self._until(lambda: "The chat is ready" in self.output)

    @property
    def gateways(self) -> list[int]:
        """List the processes that it runs."""
        return children(self._process.pid)

    def kill_gateway(self) -> None:
        """End the gateway as a crash would."""
        (gateway,) = self.gateways
        os.kill(gateway, signal.SIGKILL)
        self._until(lambda: gateway not in self.gateways)

    def interrupt(self) -> int:
        """Press Ctrl-C; gives the exit code."""
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(PATIENCE)

    def close(self) -> None:
        """End all of it, whatever state it is in."""
        family = [self._process.pid, *self.gateways]
        family += [child for gateway in self.gateways for child in children(gateway)]
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()

    def _until(self, condition) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, self.output
            assert self._process.poll() is None, self.output
            time.sleep(0.01)  # another process tells nothing


def children(pid: int) -> list[int]:
    """List a process's children, whichever of its threads started them."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for path in lists for child in path.read_text().split()]
