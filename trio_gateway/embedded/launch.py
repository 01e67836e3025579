"""Become another program that ends when its parent ends; run as a script, with the standard library alone.

    python -I -S launch.py <pid of the parent> <program> <arguments…>

A script of its own, and not `preexec_fn`, because Python code between fork and exec may deadlock
where the parent has threads.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""From <sys/prctl.h>; it survives exec, and follows the thread that forked: the parent's main thread."""


def main(parent: str, program: str, *arguments: str) -> None:
    """Tie this process to its parent, then become the program."""
    if sys.platform == "linux":
        end_with_parent(int(parent))
    os.execv(program, [program, *arguments])  # noqa: S606 (no shell is wanted)


def end_with_parent(parent: int) -> None:
    """Have the kernel send SIGTERM when the parent ends; exits where that has happened already."""
    # Without ctypes, or where a sandbox forbids prctl, the next start ends the orphan instead.
    with contextlib.suppress(ImportError, OSError):
        import ctypes  # noqa: PLC0415 (not every Python has it)

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    # A parent that died before the call above sends no signal any more.
    if os.getppid() != parent:
        sys.exit("the gateway ended while its Valkey was starting")


if __name__ == "__main__":
    main(*sys.argv[1:])
