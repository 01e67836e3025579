"""What it costs to wake for one read of a feed that was quiet: in bare Trio, and in bare epoll. Nothing of ours runs.

    python -m bench.wake trio|epoll SECONDS

Another process writes 4,500 bytes (what 20 messages are) every 2 ms. Prints the µs of CPU for each read.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import time

import trio

from bench.processes import LOAD_CORE, start

SIZE = 4_500
INTERVAL = 0.002


def write(fileno: int, seconds: float) -> None:
    """Be the other process."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        os.write(fileno, b"x" * SIZE)
        time.sleep(INTERVAL)


def read_by_epoll(fileno: int) -> int:
    """Wait and read until the end; answers the number of reads."""
    reads = 0
    with select.epoll() as epoll:
        epoll.register(fileno, select.EPOLLIN)
        while epoll.poll() and os.read(fileno, 65_536):
            reads += 1
    return reads


async def read_by_trio(fileno: int) -> int:
    """Do the same, waiting by Trio."""
    reads = 0
    while True:
        await trio.lowlevel.wait_readable(fileno)
        if not os.read(fileno, 65_536):
            return reads
        reads += 1


def measure(kind: str, seconds: float) -> float:
    """Measure the µs of CPU of this process for each read."""
    ours, theirs = socket.socketpair()
    with ours:
        command = [sys.executable, "-m", "bench.wake", "write", str(seconds), str(theirs.fileno())]
        with start(command, LOAD_CORE, pass_fds=(theirs.fileno(),)):
            theirs.close()
            began = time.process_time()
            reads = trio.run(read_by_trio, ours.fileno()) if kind == "trio" else read_by_epoll(ours.fileno())
            return (time.process_time() - began) / reads * 1e6


if __name__ == "__main__":
    kind, seconds = sys.argv[1], float(sys.argv[2])
    if kind == "write":
        write(int(sys.argv[3]), seconds)
    else:
        print(measure(kind, seconds))
