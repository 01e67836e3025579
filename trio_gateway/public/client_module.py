"""The JavaScript client is served to whatever page may connect; it is what `clients/js` builds."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

CLIENT_PATH = "/client.js"

HEADERS = {"Cache-Control": "max-age=3600", "X-Content-Type-Options": "nosniff"}
"""For an hour a page does with the client of an earlier release: the protocol does not change in between."""


def client_routes() -> Sequence[Route]:
    """Make the route of the module."""
    module = (files("trio_gateway.public") / "client.js").read_bytes()

    async def show(_: Request) -> Response:
        return Response(module, media_type="text/javascript", headers=HEADERS)

    return [Route(CLIENT_PATH, show)]
