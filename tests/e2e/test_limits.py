"""What an operator need not think of."""

from __future__ import annotations

from e2e.gateway_process import serving
from e2e.many_clients import crowd


async def test_a_low_soft_limit_of_open_files_does_not_limit_the_clients(tmp_path):
    """Shells and systemd give 1,024; the hard limit is what the operator set."""
    async with serving(tmp_path, "--insecure", open_files=128) as gateway, crowd(gateway, 300):
        health = await gateway.health()

    assert health["connections"] == 300
