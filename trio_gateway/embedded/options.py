"""What the embedded Valkey is told: every option stands here, and no file of the system or the user is read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from trio_gateway.embedded.log_file import LOG

FIXED: Mapping[str, str] = {
    "port": "0",  # the socket is the only door
    "unixsocketperm": "700",
    "daemonize": "no",
    "supervised": "no",
    "loglevel": "notice",
    "logfile": LOG,  # below `dir`
    # The append-only file is all there is on disk; snapshots would only write everything twice.
    "appendonly": "yes",
    "aof-use-rdb-preamble": "yes",
    "save": "",
    # A file whose last write was cut off by a crash is read up to there; damage before that stops the start.
    "aof-load-truncated": "yes",
    "auto-aof-rewrite-percentage": "100",
    "auto-aof-rewrite-min-size": "64mb",
    "no-appendfsync-on-rewrite": "no",
    # Nothing is thrown away in secret: a publish that finds no memory is refused.
    "maxmemory-policy": "noeviction",
}


def server_options(data_dir: Path, socket: Path, appendfsync: str) -> list[str]:
    """Write the arguments of the server; it must run with these alone, without a configuration file."""
    options = {**FIXED, "dir": str(data_dir), "unixsocket": str(socket), "appendfsync": appendfsync}
    return [word for name, value in options.items() for word in (f"--{name}", value)]
