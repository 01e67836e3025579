"""What guards the page: a policy that lets it load and reach nothing of others, and no requests from other sites.

Another site may turn its own name to this machine (DNS rebinding), and its pages are then of the same
origin. So this one answers under names that it knows, and under addresses, which nobody else can have.

The session's cookie is `SameSite=Strict`, so other sites can't make a browser send it; that a
request which changes something comes from this very origin is checked all the same.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ADDRESS = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){3}", re.ASCII)

HOSTS = ["localhost"]
"""The names that any machine has for itself."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' {gateway} {socket}; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def gateway_origin(request: Request, port: int) -> str:
    """Name where the gateway is for a page that reached the back end under this host, with the page's own scheme."""
    return f"{request.url.scheme}://{request.url.hostname}:{port}"


class Guard:
    """Stand before the app: refuse what comes from elsewhere, and put the headers on each answer."""

    def __init__(self, app: ASGIApp, *, gateway_port: int, allowed_hosts: Collection[str]) -> None:
        self._app = app
        self._gateway_port = gateway_port
        self._hosts = {host.lower() for host in (*HOSTS, *allowed_hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        if refused := self._refusal(request):
            await refused(scope, receive, send)
            return
        headers = _headers(gateway_origin(request, self._gateway_port))

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *headers]}
            await send(message)

        await self._app(scope, receive, send_guarded)

    def _refusal(self, request: Request) -> Response | None:
        host = request.url.hostname or ""
        if host not in self._hosts and not ADDRESS.fullmatch(host):
            return JSONResponse({"error": "this chat has another name; --allowed-host gives it one more"}, 400)
        origin = request.headers.get("origin")
        if request.method != "GET" and origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
            return JSONResponse({"error": "this request comes from another site"}, 403)
        return None


def _headers(gateway: str) -> list[tuple[bytes, bytes]]:
    policy = POLICY.format(gateway=gateway, socket=gateway.replace("http", "ws", 1))
    return [
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"cache-control", b"no-cache"),
    ]
