"""`trio-gateway ping` asks the gateway whether it is ready, for health checks of containers."""

from __future__ import annotations

import http.client
import json

from trio_gateway.cli.exits import FAILED, say
from trio_gateway.cli.flags import takes_settings
from trio_gateway.cli.local import authority
from trio_gateway.settings.settings import Settings

TIMEOUT = 2.0
"""Seconds; container health checks usually give 5 to 30."""

LONGEST_BODY = 4096


@takes_settings("admin_host", "admin_port")
def ping(*, settings: Settings) -> int:
    """Ask a running gateway whether it is ready.

    Exit code 0 if it is; 1, and the reasons on stderr, if not. For a container's health check, for example in a Dockerfile:

      HEALTHCHECK CMD ["trio-gateway", "ping"]
    """
    where = authority(settings.admin_host, settings.admin_port)
    try:
        status, body = _ask(where)
    except (OSError, http.client.HTTPException) as error:
        say(f"no answer from http://{where}/health/ready: {str(error) or type(error).__name__}")
        return FAILED
    if status != http.client.OK:
        say(f"not ready: {_reasons(body) or status}")
        return FAILED
    print("ready")  # noqa: T201
    return 0


def _reasons(body: str) -> str:
    try:
        return "; ".join(map(str, json.loads(body)["reasons"]))
    except (ValueError, LookupError, TypeError):
        return body


def _ask(where: str) -> tuple[int, str]:
    # http.client, not urllib: a proxy from the environment has no business here.
    connection = http.client.HTTPConnection(where, timeout=TIMEOUT)
    try:
        connection.request("GET", "/health/ready")
        response = connection.getresponse()
        return response.status, response.read(LONGEST_BODY).decode("utf-8", "replace").strip()
    finally:
        connection.close()
