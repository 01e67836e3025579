"""Each test has a gateway of its own; one that a test leaves behind is ended."""

from __future__ import annotations

import pytest
from e2e.gateway_process import serving


@pytest.fixture
async def gateway(tmp_path):
    async with serving(tmp_path, "--insecure") as gateway:
        yield gateway
