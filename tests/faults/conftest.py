"""Each test has a directory for a store of its own."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def store(tmp_path):
    directory = tmp_path / "store"
    directory.mkdir()
    return directory
