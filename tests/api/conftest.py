"""Each test has an API of its own."""

from __future__ import annotations

import pytest

from tests.api.calling import Caller


@pytest.fixture
async def call():
    return Caller()
