"""A port is one test's: each worker of a run has a part of the range for itself, and takes the next of it."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import socket

RANGE = range(20_000, 32_000)
"""Below those that the kernel gives to whoever connects next (32768 on Linux), so that a free one is free a moment later."""

_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_part = RANGE[_worker :: int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))]
_next = itertools.islice(itertools.cycle(_part), random.randrange(len(_part)), None)
"""From anywhere in the part: another run on this machine has the same."""


def free_port() -> int:
    """Give a TCP port that nothing listens on, and that this run gives to nobody else for a long while."""
    for port in _next:
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("a cycle has no end")
