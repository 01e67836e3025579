"""Pages of allowed origins alone reach the public app, and browsers are told so; who is no browser passes."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trio_gateway.model.errors import PermissionDenied
from trio_gateway.public.refusing import refuse
from trio_gateway.wire.cors import cors_headers, is_preflight, preflight_headers
from trio_gateway.wire.origin import origin_allowed


class CrossOrigin:
    """Judge each request's origin by the patterns `allowed` (see `wire/origin.py`), and answer preflights."""

    def __init__(self, app: ASGIApp, allowed: Sequence[str]) -> None:
        self._app = app
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if not origin_allowed(origin, headers.get("host", ""), self._allowed):
            response = await refuse(Request(scope), PermissionDenied("this origin is not allowed"))
            await response(scope, receive, send)
        elif origin and is_preflight(scope["method"], headers):
            asked = headers.get("access-control-request-headers", "")
            response = Response(status_code=204, headers=dict(preflight_headers(origin, asked)))
            await response(scope, receive, send)
        else:
            await self._app(scope, receive, _telling(send, origin))


def _telling(send: Send, origin: str | None) -> Send:
    async def tell(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in cors_headers(origin):
                headers.append(name, value)
        await send(message)

    return tell
