"""The health checks: what an operator's probe, a load balancer or an orchestrator asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from trio_gateway.admin.health import NodeHealth

FRESH = {"Cache-Control": "no-store"}
"""Health that a proxy kept is no health."""


def health_routes(health: Callable[[], NodeHealth]) -> Sequence[Route]:
    """Make the routes of one node's health; `health` is called once for each answer and never waits.

    - `/health/live` answers 200 while the event loop turns.
    - `/health/ready` answers 200, or 503 with the reasons while no clients should be sent here.
    - `/health` shows the numbers.
    """

    async def live(_: Request) -> Response:
        return JSONResponse({"status": "live"}, headers=FRESH)

    async def ready(_: Request) -> Response:
        return ready_response(health())

    async def show(_: Request) -> Response:
        return JSONResponse(health().to_json(), headers=FRESH)

    return [Route("/health/live", live), Route("/health/ready", ready), Route("/health", show)]


def ready_response(health: NodeHealth) -> Response:
    """Answer whether clients should be sent to this node."""
    if health.reasons:
        return JSONResponse({"status": "not ready", "reasons": list(health.reasons)}, 503, headers=FRESH)
    return JSONResponse({"status": "ready"}, headers=FRESH)
