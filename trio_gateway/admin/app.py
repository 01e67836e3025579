"""The operations app: what each path of the admin port answers."""

from __future__ import annotations

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from trio_gateway.admin.health import NodeHealth
from trio_gateway.admin.health_routes import FRESH, health_routes
from trio_gateway.admin.try_page import TryPage, try_routes


def make_app(health: Callable[[], NodeHealth], page: TryPage, *more: BaseRoute) -> Starlette:
    """Make the app of one node; `health` is called once for each answer and never waits.

    Besides the health checks, `/` is the page to try the gateway in a browser. `more` routes are those of
    whoever else stands on this port, such as the HTTP API.
    """
    return Starlette(
        routes=[*health_routes(health), *try_routes(page), *more],
        exception_handlers={HTTPException: refuse},
    )


async def refuse(_: Request, error: Exception) -> Response:
    """Answer every refusal in JSON."""
    assert isinstance(error, HTTPException)
    return JSONResponse({"status": error.detail}, error.status_code, headers={**FRESH, **(error.headers or {})})
