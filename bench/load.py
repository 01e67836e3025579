"""The load client is bench/wsload.c; this module starts it, and reads what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs

from bench.processes import LOAD_CORE, BenchError, start

HOUR = 3_600.0
"""Seconds that a load client stays where its scenario ends it."""

SDK_PATH = "/connection/websocket"


@attrs.frozen
class Load:
    """Say how many connections do what: each asks for `path` (`%d` is its index), or for its line of `paths`.

    Each sends its line of `firsts` as it is, where there are any, and then `first`.
    """

    connections: int
    seconds: float
    path: str = "/ws?user=%d"
    paths: Path | None = None
    firsts: Path | None = None
    first: str = ""
    body: str = ""
    match: str = ""
    depth: int = 1
    window: int = 256

    def arguments(self, port: int) -> list[str]:
        """Write the command line, without the program."""
        mode = "echo" if self.body else "sink"
        given = {
            "-first": self.first,
            "-body": self.body,
            "-match": self.match,
            "-depth": self.depth,
            "-window": self.window,
            "-paths": self.paths,
            "-firsts": self.firsts,
        }
        options = [str(word) for name, value in given.items() if value for word in (name, value)]
        return [mode, "127.0.0.1", str(port), self.path, str(self.connections), str(self.seconds), *options]


@attrs.frozen
class Report:
    """Hold what the load client counted: messages received, and their latency in milliseconds."""

    messages: int
    closed: int
    p50: float
    p99: float

    @property
    def latency(self) -> str:
        """Tell the latency in words."""
        return f"p50 {self.p50:.1f} ms, p99 {self.p99:.1f} ms"


class LoadClient:
    """Speak with one running load client; every connection is open when it is made."""

    def __init__(self, process: subprocess.Popen[str], connections: int) -> None:
        self.process = process
        ready = self.process.stdout.readline()
        opened = self.process.stderr.readline()
        if ready != "READY\n" or f"open {connections} rejected 0" not in opened:
            raise BenchError(f"not every connection was opened: {opened} {ready}")

    def finish(self) -> Report:
        """End the load client at once, and read its report."""
        self.process.terminate()
        return self.report()

    def report(self) -> Report:
        """Wait for the load client's end, and read its last line; raises BenchError where connections were closed."""
        output, errors = self.process.communicate(timeout=120)
        found = re.search(r"msgs (\d+) .* closed (\d+) .* p50 ([\d.]+) p99 ([\d.]+)", output)
        if not found or errors:
            raise BenchError(f"the load client says: {output} {errors}")
        report = Report(int(found[1]), int(found[2]), float(found[3]), float(found[4]))
        if report.closed:
            raise BenchError(f"the server closed {report.closed} connections")
        return report


@contextmanager
def listening(connections: int, port: int, path: str) -> Iterator[LoadClient]:
    """Run listeners of streams for as long as the block."""
    command = [sys.executable, "-m", "bench.listeners", str(port), str(connections), path]
    with start(command, LOAD_CORE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            yield LoadClient(process, connections)
        finally:
            process.kill()


@contextmanager
def loading(program: Path, load: Load, port: int) -> Iterator[LoadClient]:
    """Run the load client for as long as the block."""
    command: Sequence[str] = [str(program), *load.arguments(port)]
    with start(command, LOAD_CORE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            yield LoadClient(process, load.connections)
        finally:
            process.kill()
