"""The embedded Valkey runs as long as the gateway does: started first, started again when it crashes, stopped last."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import quote

import trio

from trio_gateway.embedded import log_file
from trio_gateway.embedded.binary import find_binary
from trio_gateway.embedded.options import server_options
from trio_gateway.embedded.ownership import note_pid, own_directory
from trio_gateway.embedded.process import Process, start_process, stop_process, wait_exit
from trio_gateway.embedded.question import is_answering
from trio_gateway.model.errors import StartFailed
from trio_gateway.model.logger import get_logger
from trio_gateway.model.valkey_health import ValkeyHealth
from trio_gateway.settings.data_directory import make_socket_path

START_SECONDS = 10.0
"""To answer at the first start; after that the gateway goes on and the broker keeps trying."""

STOP_SECONDS = 15.0
"""For SIGTERM to end it: it writes out and syncs what came in during the last second."""

FIRST_DELAY, LAST_DELAY = 0.1, 5.0
"""Seconds before a restart: at once the first time, since everybody waits; doubled while it keeps crashing."""

STEADY_SECONDS = 60.0
"""A run of this length begins the delays anew."""

POLL_SECONDS = 0.02

log = get_logger(__name__)


class EmbeddedValkey:
    """Keep a private Valkey running on a data directory.

    `appendfsync` is `everysec` (a crash of the host may lose the last 2 s) or `always`. `path` is
    where to look for a server that pip did not bring, written as PATH is; None takes PATH itself.
    """

    def __init__(self, data_dir: Path, *, appendfsync: str = "everysec", path: str | None = None) -> None:
        self._data_dir = data_dir.absolute()
        self._log = self._data_dir / log_file.LOG
        self._appendfsync = appendfsync
        self._path = path
        self._command: list[str] = []
        self._process: Process | None = None
        self._restarts = 0
        self._since = time.time()

    def health(self) -> ValkeyHealth:
        """Show how it stands now."""
        pid = self._process.pid if self._process is not None else None
        return ValkeyHealth(pid is not None, self._restarts, pid, self._since)

    async def serve(self, *, task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED) -> None:
        """Run the server until cancelled, then stop it with its data on disk.

        Reports its URL (`unix://…`) once it answers, or after 10 s where it still reads its data.
        Call it in the main thread. Raises StartFailed, before that report, when there is nothing to
        run, when another gateway owns the data directory, or when the server ends at once;
        ConfigurationError when the data directory can't be used.
        """
        binary = await find_binary(self._path)
        socket = make_socket_path(self._data_dir)
        self._command = [str(binary), *server_options(self._data_dir, socket, self._appendfsync)]

        async def report_started(process: Process, begin: int) -> None:
            await self._wait_ready(process, begin, socket)
            task_status.started(f"unix://{quote(str(socket))}")

        async with own_directory(self._data_dir, socket) as lock:
            await self._run(lock, report_started)
            await self._run_again_and_again(lock)

    async def _run_again_and_again(self, lock: int) -> None:
        delay = FIRST_DELAY
        while True:
            await trio.sleep(delay)
            self._restarts += 1
            begin = trio.current_time()
            try:
                await self._run(lock)
            except StartFailed as error:
                log.error("valkey does not start", reason=str(error))
            delay = FIRST_DELAY if trio.current_time() - begin > STEADY_SECONDS else min(2 * delay, LAST_DELAY)

    async def _run(self, lock: int, started: Callable[[Process, int], Awaitable[None]] | None = None) -> None:
        """Run the server once, until it ends unasked; raises StartFailed when there is no process to be had."""
        log_file.rotate(self._log)
        begin = log_file.size_of(self._log)
        process = self._start(lock)
        try:
            if started is not None:
                await started(process, begin)
            await self._wait_exit(process)
        finally:
            await stop_process(process, patience=STOP_SECONDS)
            self._process, self._since = None, time.time()
        log.error("valkey ended by itself and is started again", reason=self._last_words(process, begin))

    def _start(self, lock: int) -> Process:
        try:
            process = start_process(self._command, cwd=self._data_dir, log=self._log, keep=lock)
            note_pid(lock, process.pid)
        except OSError as error:
            raise StartFailed(f"{self._command[0]} can't be started: {error.strerror}") from error
        self._process, self._since = process, time.time()
        return process

    async def _wait_ready(self, process: Process, begin: int, socket: Path) -> None:
        """Wait until it answers, or 10 s; raises StartFailed when it has ended instead."""
        with trio.move_on_after(START_SECONDS):
            while process.poll() is None and not await is_answering(socket):  # noqa: ASYNC110 (nobody tells)
                await trio.sleep(POLL_SECONDS)
        if process.returncode is not None:
            raise StartFailed(f"the embedded Valkey did not start: {self._last_words(process, begin)}")

    async def _wait_exit(self, process: Process) -> None:
        while process.returncode is None:
            log_file.rotate(self._log)
            with trio.move_on_after(log_file.ROTATE_SECONDS):
                await wait_exit(process)

    def _last_words(self, process: Process, begin: int) -> str:
        words = log_file.quote(self._log, begin) or "it said nothing"
        return f"{words} (exit code {process.returncode}; {self._log})"
