"""The operations app: what each path of the admin port answers."""

from __future__ import annotations

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from trio_gateway.admin.health import NodeHealth
from trio_gateway.admin.try_page import TryPage, try_routes

FRESH = {"Cache-Control": "no-store"}
"""Health that a proxy kept is no health."""


def make_app(health: Callable[[], NodeHealth], page: TryPage, *more: BaseRoute) -> Starlette:
    """Make the app of one node; `health` is called once for each answer and never waits.

    - `/health/live` answers 200 while the event loop turns.
    - `/health/ready` answers 200, or 503 with the reasons while no clients should be sent here.
    - `/health` shows the numbers.
    - `/` is the page to try the gateway in a browser.
    - `more` routes are those of whoever else stands on this port, such as the HTTP API.
    """

    async def live(_: Request) -> Response:
        return JSONResponse({"status": "live"}, headers=FRESH)

    async def ready(_: Request) -> Response:
        return ready_response(health())

    async def show(_: Request) -> Response:
        return JSONResponse(health().to_json(), headers=FRESH)

    return Starlette(
        routes=[
            Route("/health/live", live),
            Route("/health/ready", ready),
            Route("/health", show),
            *try_routes(page),
            *more,
        ],
        exception_handlers={HTTPException: refuse},
    )


def ready_response(health: NodeHealth) -> Response:
    """Answer whether clients should be sent to this node."""
    if health.reasons:
        return JSONResponse({"status": "not ready", "reasons": list(health.reasons)}, 503, headers=FRESH)
    return JSONResponse({"status": "ready"}, headers=FRESH)


async def refuse(_: Request, error: Exception) -> Response:
    """Answer every refusal in JSON."""
    assert isinstance(error, HTTPException)
    return JSONResponse({"status": error.detail}, error.status_code, headers={**FRESH, **(error.headers or {})})
