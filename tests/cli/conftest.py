"""Every test of the command line has a data directory of its own and an environment without options."""

from __future__ import annotations

import http.server
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli.admin import Admin


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("TRIO_GATEWAY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TRIO_GATEWAY_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def admin(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Admin]]:
    """Serve an admin port where the commands look for one."""
    handler = type("Handler", (Admin,), {})
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as server:
        monkeypatch.setenv("TRIO_GATEWAY_ADMIN_PORT", str(server.server_port))
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield handler
        server.shutdown()
        thread.join()
