"""Processes are started on a core of their own, and judged by what the kernel says of them."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import attrs

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE = CORES[0]
LOAD_CORE = CORES[-1]
"""Everything that is not the server: load, publisher and Valkey."""

PRIORITY = -10
"""Before what else runs on the machine, where the kernel lets us: a server that waits for its core looks idle."""


class BenchError(Exception):
    """A run can't be trusted, or could not be made."""


def prefer(pid: int) -> None:
    """Let a process run before others, where the kernel lets us.

    Where it groups processes by session, niceness counts within the group only, and the group has its own.
    """
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, PRIORITY)
        Path(f"/proc/{pid}/autogroup").write_text(str(PRIORITY), encoding="ascii")


def start(command: Sequence[str], core: int, **options: object) -> subprocess.Popen[str]:
    """Start a process on one core, with as many open files as allowed; nothing of this process's input reaches it."""

    def prepare() -> None:
        os.sched_setaffinity(0, {core})
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        prefer(os.getpid())

    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        preexec_fn=prepare,  # noqa: PLW1509  # this process has one thread
        **options,
    )


@contextmanager
def running(command: Sequence[str], core: int, output: IO[str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """Run a process for as long as the block; ended by SIGTERM, and by SIGKILL where that takes over 20 s."""
    with start(command, core, stdout=output, stderr=output) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def move_children(pid: int, core: int) -> None:
    """Pin a process's children to a core: the embedded Valkey is no part of the server's bill."""
    for child in children(pid):
        prefer(child)  # it has a session of its own
        for task in Path(f"/proc/{child}/task").iterdir():
            os.sched_setaffinity(int(task.name), {core})


def children(pid: int) -> list[int]:
    """List a process's children, by whichever of its threads they were started."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for each in lists for child in each.read_text().split()]


@attrs.frozen
class Cpu:
    """Hold seconds of CPU: in the process's own code, and in the kernel for it."""

    user: float
    kernel: float

    def __sub__(self, before: Cpu) -> Cpu:
        return Cpu(self.user - before.user, self.kernel - before.kernel)

    @property
    def total(self) -> float:
        """Add both."""
        return self.user + self.kernel

    def split(self, count: int) -> str:
        """Tell both in µs for each of `count`."""
        return f"{self.user / count * 1e6:.1f} own + {self.kernel / count * 1e6:.1f} kernel µs"


def cpu_used(pid: int) -> Cpu:
    """Read the CPU that a process has used, to 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return Cpu(int(fields[11]) / TICKS, int(fields[12]) / TICKS)


def resident_bytes(pid: int) -> int:
    """Read how much memory a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE


def wait_until_idle(pid: int, seconds: float = 0.4, limit: float = 60.0) -> None:
    """Wait until a process has used at most one tick in `seconds`; raises BenchError after `limit` seconds."""
    deadline = time.monotonic() + limit
    used = cpu_used(pid).total
    while time.monotonic() < deadline:
        time.sleep(seconds)
        before, used = used, cpu_used(pid).total
        if used - before <= 1.5 / TICKS:
            return
    raise BenchError(f"process {pid} did not come to rest within {limit:g} s")


def wait_until(condition: Callable[[], bool], what: str, limit: float = 20.0) -> None:
    """Wait until a condition holds; raises BenchError after `limit` seconds."""
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            raise BenchError(f"{what}: not within {limit:g} s")
        time.sleep(0.02)


def compile_c(source: Path, folder: Path) -> Path:
    """Compile one C file with the machine's own compiler; raises BenchError where that fails."""
    target = folder / source.stem
    try:
        subprocess.run(["cc", "-O2", "-o", target, source], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise BenchError(f"{source.name} could not be compiled; a C compiler named cc is needed: {error}") from error
    return target
