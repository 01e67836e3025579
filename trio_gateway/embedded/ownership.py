"""One data directory belongs to one gateway and to one Valkey: two locks, which the kernel lets go of by itself.

`gateway.lock` is held by the gateway alone, `valkey.lock` by the gateway and its Valkey, which
inherits the descriptor. So who finds the first one free and the second one taken knows that a Valkey
has outlived its gateway. (Without a lock a second Valkey starts on the same files without complaint.)
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import trio

from trio_gateway.embedded.question import ask_to_shut_down
from trio_gateway.model.errors import StartFailed

GATEWAY_LOCK = "gateway.lock"
VALKEY_LOCK = "valkey.lock"

ORPHAN_SECONDS = 10.0
"""For an orphan to end: it writes out at most what arrived since the last write to its file."""

POLL_SECONDS = 0.05


@contextlib.asynccontextmanager
async def own_directory(data_dir: Path, socket: Path, *, patience: float = ORPHAN_SECONDS) -> AsyncIterator[int]:
    """Own the data directory while the block runs; gives the descriptor that the Valkey must inherit.

    Ends a Valkey that outlived its gateway. Raises StartFailed when another gateway runs there, when
    an orphan does not end within `patience` seconds, or when the files can't be locked.
    """
    with _open_lock(data_dir / GATEWAY_LOCK) as ours, _open_lock(data_dir / VALKEY_LOCK) as shared:
        if not _lock_nowait(ours):
            raise StartFailed(f"another gateway{_pid_in(ours)} runs on {data_dir}: stop it, or give --data-dir")
        note_pid(ours, os.getpid())
        await _wait_lock(shared, data_dir, socket, patience)
        yield shared


def note_pid(descriptor: int, pid: int) -> None:
    """Write into a lock's file who holds it: for people to read, never a pid to be killed."""
    with contextlib.suppress(OSError):  # a full disk
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, b"%d\n" % pid, 0)


async def _wait_lock(descriptor: int, data_dir: Path, socket: Path, patience: float) -> None:
    with trio.move_on_after(patience):
        while not _lock_nowait(descriptor):
            await ask_to_shut_down(socket)
            await trio.sleep(POLL_SECONDS)
        return
    raise StartFailed(
        f"the Valkey of an earlier gateway{_pid_in(descriptor)} still runs on {data_dir} and does not end: "
        "end it yourself, or give --data-dir"
    )


@contextlib.contextmanager
def _open_lock(path: Path) -> Iterator[int]:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StartFailed(f"--data-dir {path.parent}: {path.name}: {error.strerror}") from error
    try:
        yield descriptor
    finally:
        # Only closed, never unlocked: unlocking would take it from the child as well.
        os.close(descriptor)


def _lock_nowait(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise StartFailed(
            f"--data-dir: this file system has no locks ({error.strerror}): choose a local one"
        ) from error
    return True


def _pid_in(descriptor: int) -> str:
    pid = os.pread(descriptor, 20, 0).strip()
    return f" (pid {int(pid)})" if pid.isdigit() else ""
