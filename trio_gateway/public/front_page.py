"""The front page tells whoever opens the clients' port in a browser what stands there; it needs nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from trio_gateway.gateway.nodes.node import Node

HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


def front_routes(node: Node) -> Sequence[Route]:
    """Make the route of the page."""
    text = (files("trio_gateway.public") / "front.html").read_text(encoding="utf-8")
    page = text.replace("{{version}}", escape(node.version))

    async def show(_: Request) -> Response:
        return HTMLResponse(page, headers=HEADERS)

    return [Route("/", show)]
