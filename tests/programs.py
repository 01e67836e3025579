"""A program that a test needs and the machine lacks: the test is skipped and says so, or fails where CI must have it all."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest

REQUIRED = "REQUIRE_PROGRAMS"
"""Set in the environment of CI."""


def find_program(name: str, path: str | None = None) -> str:
    """Find a program by its name, or take a path that is known; skips or fails the test where it is not there."""
    found = shutil.which(path or name)
    if found is None:
        lacking(f"{name} is not installed")
    return found


def lacking(what: str) -> NoReturn:
    """Skip the test (or the module) for want of something, and say so; fail where CI must have it all."""
    if os.environ.get(REQUIRED):
        pytest.fail(what)
    pytest.skip(what, allow_module_level=True)
