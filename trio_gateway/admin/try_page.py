"""The page to try the gateway in a browser; it hands out tokens only to this machine, and only made-up ones.

The HTML is static and names no user, URL or token: its script asks `/try.json` for them, which other
sites can't read. A name that a stranger's DNS points at this machine is told apart by the Host header.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import re
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import attrs
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from trio_gateway.model.errors import BadRequest
from trio_gateway.model.user import check_user_id

HTML = files("trio_gateway.admin").joinpath("try.html").read_text("utf-8")
HOST = re.compile(r"(?P<name>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")
EVERYWHERE = ("0.0.0.0", "::", "")
FORWARDED = ("forwarded", "via", "x-forwarded-for")
"""Somebody else is behind the peer."""

DEFAULT_USER = "7"

SAFE = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@attrs.frozen(kw_only=True)
class TryPage:
    """Say how a browser reaches the client server.

    `host` and `port` are where that server listens. `make_token` makes a token for a user and is
    given only where the secret was made up for development; `insecure` tells that the server takes a
    user's word. Without either, the page asks for a token. `program` is how the commands it shows begin,
    `options` what they need to find this gateway, such as `--data-dir /data`.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    make_token: Callable[[str], str] | None = attrs.field(default=None, repr=False)
    insecure: bool = False
    program: str = "trio-gateway"
    options: str = ""


def try_routes(page: TryPage) -> list[Route]:
    """Make the routes of the page."""

    async def show(request: Request) -> Response:
        policy = security_policy(ws_url(page, host_name(request)))
        return HTMLResponse(HTML, headers={**SAFE, "Content-Security-Policy": policy})

    async def tell(request: Request) -> Response:
        return JSONResponse(access(page, request), headers=SAFE)

    return [Route("/", show), Route("/try.json", tell)]


def access(page: TryPage, request: Request) -> dict[str, Any]:
    """Tell the page's script where to connect, and as whom; raises HTTPException (400) for a user that can't be."""
    try:
        user = check_user_id(request.query_params.get("user") or DEFAULT_USER)
    except BadRequest as error:
        raise HTTPException(400, str(error)) from error
    shown = {"program": page.program, "options": page.options}
    told: dict[str, Any] = {"url": ws_url(page, host_name(request)), "user": user, **shown}
    if page.insecure:
        return {**told, "access": "insecure"}
    if page.make_token is not None and is_from_this_machine(request):
        return {**told, "access": "token", "token": page.make_token(user)}
    return {**told, "access": "ask"}


def host_name(request: Request) -> str:
    """Read the host's name out of the Host header; raises HTTPException (400) where it is none."""
    host = HOST.fullmatch(request.headers.get("host", ""))
    if host is None:
        raise HTTPException(400, "the Host header is missing or malformed")
    return host["name"].lower()


def ws_url(page: TryPage, name: str) -> str:
    """Give the client server's URL under the name that the browser used: its Origin check wants the same name."""
    if page.host not in EVERYWHERE and not is_loopback(page.host):
        name = f"[{page.host}]" if ":" in page.host else page.host
    return f"ws://{name}:{page.port}/ws"


def is_from_this_machine(request: Request) -> bool:
    """Tell whether a page of ours on this machine asks, under a name that only means this machine."""
    peer = request.client.host if request.client is not None else ""
    return (
        is_loopback(peer)
        and is_loopback(host_name(request))
        and not any(name in request.headers for name in FORWARDED)
        and request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
    )


def is_loopback(name: str) -> bool:
    """Tell whether a host's name or address always means the machine itself."""
    if name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    # A socket that takes both kinds shows an IPv4 peer as `::ffff:127.0.0.1`.
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def security_policy(url: str) -> str:
    """Allow the page its own script and style, its own health, and the one WebSocket; nothing else."""
    # A policy can't name an IPv6 address (CSP 3 §2.3.1, host-source).
    socket = "ws:" if "[" in url else url
    return (
        f"default-src 'none'; script-src {digest('script')}; style-src {digest('style')}; img-src data:; "
        f"connect-src 'self' {socket}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def digest(element: str) -> str:
    """Name the text of the page's one `<script>` or `<style>` by its hash (CSP 3 §2.3.1)."""
    (text,) = re.findall(rf"<{element}\b[^>]*>(.*?)</{element}>", HTML, re.DOTALL)
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
