"""The servers under test: the gateway as an operator starts it, and the floors beside it."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import attrs
import redis

from bench.processes import (
    LOAD_CORE,
    SERVER_CORE,
    BenchError,
    Cpu,
    compile_c,
    cpu_used,
    move_children,
    running,
    wait_until,
    wait_until_idle,
)
from trio_gateway.settings.data_directory import socket_path

HERE = Path(__file__).parent
SECRET = "a secret of thirty-two bytes or so"
INSECURE = ("--insecure", "--token-secret", SECRET)
"""Options of a gateway where a client may subscribe to what it likes, and has an inbox by its token."""
CONFIG = """
[channel.without_namespace]
allow_subscribe_for_client = true
"""
COMMAND = Path(sysconfig.get_path("scripts"), "trio-gateway")


@attrs.frozen
class Server:
    """Hold a running server: its kind for the publisher, its process, its client port, and the feed's socket."""

    kind: str
    pid: int
    port: int
    feed: Path | None = None
    admin_port: int | None = None
    profiled: bool = False

    def settle(self, connections: int, subscriptions: int) -> None:
        """Wait until so many clients are connected and subscribed, and nothing is left to do for them."""
        if self.admin_port is not None:
            wanted = (connections, subscriptions)
            wait_until(lambda: self.counts() == wanted, f"{wanted} connections and subscriptions", 60.0)
        wait_until_idle(self.pid)

    def counts(self) -> tuple[int, int]:
        """Ask the gateway's health check how many clients and subscriptions there are."""
        health = json.loads(ask(self.admin_port, "/health")[1])
        return health["connections"], health["subscriptions"]

    def position(self, channel: str) -> tuple[str, int]:
        """Ask the gateway's store where a channel stands: its epoch and its top offset."""
        with self.store() as store:
            epoch, top = store.hmget(f"tg:{{{channel}}}:m", "e", "s")
        return epoch.decode(), int(top)

    def store(self) -> redis.Redis:
        """Speak with the gateway's store."""
        return redis.Redis(unix_socket_path=str(self.feed))

    @contextmanager
    def count_calls(self, function: str) -> Iterator[Callable[[], int]]:
        """Give a function that tells how often a function of the gateway's store was called since (`INFO` knows FCALL only)."""
        end = b"that was all"
        with socket.socket(socket.AF_UNIX) as link, self.store() as store:
            link.connect(str(self.feed))
            link.sendall(b"MONITOR\r\n")
            link.recv(64)

            def count() -> int:
                store.echo(end)
                return received(link, end).count(f'"{function}"'.encode())

            yield count

    @contextmanager
    def meter(self) -> Iterator[Callable[[], Cpu]]:
        """Give a function that tells the CPU used since; the profiler takes samples within the block only."""
        before = cpu_used(self.pid)
        if self.profiled:
            os.kill(self.pid, signal.SIGUSR1)
        yield lambda: cpu_used(self.pid) - before
        if self.profiled:
            os.kill(self.pid, signal.SIGUSR2)


ports = itertools.count(20_000)
"""Below the range from which the kernel takes the load client's own ports (32,768 and up on Linux)."""


def free_port() -> int:
    """Find a port that nobody uses now, and that this process has not found before."""
    for port in ports:
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("the count is endless")


def is_open(port: int) -> bool:
    """Tell whether somebody listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def is_ready(process: subprocess.Popen[str], admin_port: int, log: IO[str]) -> bool:
    """Ask the gateway's own health check; raises BenchError when the gateway has ended."""
    if process.poll() is not None:
        raise BenchError(f"the gateway ended with exit code {process.returncode}: {Path(log.name).read_text('utf-8')}")
    try:
        return ask(admin_port, "/health/ready")[0] == 200
    except ConnectionRefusedError:
        return False


def ask(admin_port: int, path: str) -> tuple[int, bytes]:
    """Ask the gateway's operations server; returns the status and the body."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", admin_port, timeout=20)) as link:
        link.request("GET", path)
        response = link.getresponse()
        return response.status, response.read()


def received(link: socket.socket, end: bytes) -> bytes:
    """Read until these bytes have come."""
    text = b""
    link.settimeout(20)
    while end not in text[-256:]:
        text += link.recv(1 << 20)
    return text


def show(log: Path) -> None:
    """Print what the gateway has written: under --profile, its tables are there."""
    print(log.read_text(encoding="utf-8"), file=sys.stderr)


@attrs.frozen
class Bench:
    """Hold what every run needs: the compiled programs and a folder for its files."""

    folder: Path
    load: Path
    floor: Path
    profile: bool = False

    @contextmanager
    def gateway(self, *options: str) -> Iterator[Server]:
        """Run the gateway with its embedded Valkey, the latter on the load's core."""
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=self.folder, prefix="data-")))
            port, admin_port = free_port(), free_port()
            command = self.command(folder, port, admin_port, options)
            log = stack.enter_context((folder / "gateway.log").open("w"))
            if self.profile:
                stack.callback(show, Path(log.name))
            process = stack.enter_context(running(command, SERVER_CORE, log))
            wait_until(lambda: is_ready(process, admin_port, log), "the gateway is ready")
            move_children(process.pid, LOAD_CORE)
            wait_until_idle(process.pid)
            yield Server("gateway", process.pid, port, socket_path(folder), admin_port, self.profile)

    def command(self, folder: Path, port: int, admin_port: int, options: Sequence[str]) -> list[str]:
        """Write the gateway's command line."""
        config = folder / "bench.toml"
        config.write_text(CONFIG, encoding="utf-8")
        program = [sys.executable, "-m", "bench.sampling"] if self.profile else [COMMAND]
        places = ["--config", config, "--data-dir", folder, "--port", port, "--admin-port", admin_port]
        return [*map(str, program), "serve", *map(str, places), *options]

    @contextmanager
    def c_floor(self) -> Iterator[Server]:
        """Run the bare loop of send()."""
        port, feed = free_port(), self.folder / "feed.sock"
        with running([str(self.floor), str(port), str(feed)], SERVER_CORE) as process:
            wait_until(lambda: is_open(port) and feed.exists(), "the floor")
            yield Server("floor", process.pid, port, feed)

    @contextmanager
    def bare_trio(self) -> Iterator[Server]:
        """Run a nursery and two tasks per connection, and nothing else."""
        port = free_port()
        with running([sys.executable, "-m", "bench.bare_trio", str(port)], SERVER_CORE) as process:
            wait_until(lambda: is_open(port), "bare Trio")
            wait_until_idle(process.pid)
            yield Server("bare Trio", process.pid, port)


@contextmanager
def prepared(*, profile: bool = False) -> Iterator[Bench]:
    """Compile the C programs, and keep all files in a folder that goes away."""
    with tempfile.TemporaryDirectory(prefix="tg-bench-") as name:
        folder = Path(name)
        yield Bench(folder, compile_c(HERE / "wsload.c", folder), compile_c(HERE / "floor.c", folder), profile)
