"""A child process that Ctrl-C does not reach, that ends with its parent, and that is always waited for."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import trio

LAUNCH = Path(__file__).with_name("launch.py")

POLL_SECONDS = 0.1
"""Between two looks at a child where the system has no pidfd (all but Linux ≥ 5.3)."""

KILL_SECONDS = 5.0
"""For a killed process to be gone; it takes longer only where the kernel itself waits for a dead disk."""

Process = subprocess.Popen[bytes]


def start_process(command: Sequence[str], *, cwd: Path, log: Path, keep: int) -> Process:
    """Start a program in a session of its own, its output appended to `log`, with the descriptor `keep` left open.

    Call it from the main thread: on Linux the child gets SIGTERM when the thread that forked it ends
    (`trio.lowlevel.open_process` forks in a worker thread, which ends after 10 idle seconds).
    Raises OSError when it can't be started.
    """
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 (no shell, no input from outside)
            [sys.executable, "-I", "-S", str(LAUNCH), str(os.getpid()), *command],
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=(keep,),
            start_new_session=True,
        )


async def wait_exit(process: Process) -> int:
    """Wait until a child has ended, and return its exit code (negative: the signal that ended it)."""
    descriptor = _pidfd_of(process)
    if descriptor is None:
        while process.poll() is None:  # noqa: ASYNC110 (nobody tells)
            await trio.sleep(POLL_SECONDS)
    else:
        try:
            await trio.lowlevel.wait_readable(descriptor)
        finally:
            os.close(descriptor)
    return process.wait()


async def stop_process(process: Process, *, patience: float) -> None:
    """End a child by SIGTERM, and by SIGKILL when that has not ended it after `patience` seconds.

    Runs to its end even when cancelled: nobody else would wait for the child.
    """
    with trio.CancelScope(shield=True):
        process.terminate()  # does nothing to a child that has been waited for
        with trio.move_on_after(patience):
            await wait_exit(process)
        if process.returncode is None:
            process.kill()
            with trio.move_on_after(KILL_SECONDS):
                await wait_exit(process)


def _pidfd_of(process: Process) -> int | None:
    if sys.platform != "linux" or process.returncode is not None:
        return None
    try:
        return os.pidfd_open(process.pid)
    except OSError:  # an old kernel or a sandbox without it, or a child that somebody else waited for
        return None
