"""`trio-gateway ping` asks the gateway whether it is ready, for health checks of containers."""

from __future__ import annotations

import json
from typing import Any

from trio_gateway.cli.flags import settings_of, takes_flags
from trio_gateway.cli.local import authority
from trio_gateway.model.errors import GatewayError
from trio_gateway.model.reason import reason_of

TIMEOUT = 2.0
"""Seconds; container health checks usually give 5 to 30."""

LONGEST_BODY = 4096
OK = 200


class NotReady(GatewayError):
    """Tell that the gateway is not ready, or gives no answer."""


@takes_flags("admin_host", "admin_port")
def ping(*, flags: Any = None) -> None:
    """Ask a running gateway whether it is ready.

    Exit code 0 if it is; 1, and the reasons on stderr, if not. For a
    container's health check, for example in a Dockerfile:

      HEALTHCHECK CMD ["trio-gateway", "ping"]
    """
    settings = settings_of(flags)
    where = authority(settings.admin_host, settings.admin_port)
    status, body = _ask(where)
    if status == OK:
        print("ready")  # noqa: T201
        return
    reasons = _reasons(body)
    if reasons is None:
        raise NotReady(f"http://{where} answers with HTTP status {status}, and not as a gateway's admin port does")
    raise NotReady(f"not ready: {reasons}")


def _ask(where: str) -> tuple[int, str]:
    # http.client, not urllib: a proxy from the environment has no business here.
    import http.client  # noqa: PLC0415 (takes its time to import)

    connection = http.client.HTTPConnection(where, timeout=TIMEOUT)
    try:
        connection.request("GET", "/health/ready")
        response = connection.getresponse()
        return response.status, response.read(LONGEST_BODY).decode("utf-8", "replace").strip()
    except (OSError, http.client.HTTPException) as error:
        raise NotReady(f"no answer from http://{where}/health/ready: {reason_of(error)}") from error
    finally:
        connection.close()


def _reasons(body: str) -> str | None:
    """Read why the gateway is not ready; None where this is no gateway's answer."""
    try:
        return "; ".join(map(str, json.loads(body)["reasons"]))
    except (ValueError, LookupError, TypeError):
        return None
