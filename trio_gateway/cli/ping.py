"""`trio-gateway ping` asks the gateway whether it is ready, for health checks of containers."""

from __future__ import annotations

import json
from typing import Any

from trio_gateway.cli.admin_port import OK, AdminPort
from trio_gateway.cli.flags import settings_of, takes_flags
from trio_gateway.model.errors import GatewayError

TIMEOUT = 2.0
"""Seconds; container health checks usually give 5 to 30."""

LONGEST_BODY = 4096
"""Bytes; a gateway says less."""


class NotReady(GatewayError):
    """Tell that the gateway is not ready."""


@takes_flags("admin_host", "admin_port")
def ping(*, flags: Any = None) -> None:
    """Ask a running gateway whether it is ready.

    Exit code 0 if it is; 1, and the reasons on stderr, if not. For a
    container's health check, for example in a Dockerfile:

      HEALTHCHECK CMD ["trio-gateway", "ping"]
    """
    port = AdminPort.of(settings_of(flags), TIMEOUT)
    status, body = port.ask("GET", "/health/ready", longest=LONGEST_BODY)
    if status == OK:
        print("ready")  # noqa: T201
        return
    reasons = _reasons(body)
    if reasons is None:
        raise port.strange(status, "admin port")
    raise NotReady(f"not ready: {reasons}")


def _reasons(body: str) -> str | None:
    """Read why the gateway is not ready; None where this is no gateway's answer."""
    try:
        return "; ".join(map(str, json.loads(body)["reasons"]))
    except (ValueError, LookupError, TypeError):
        return None
