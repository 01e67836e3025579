"""One POST and its answer: no redirect is followed, no cookie kept, nothing read from the environment but trusted authorities."""

from __future__ import annotations

from collections.abc import Sequence
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final

import attrs
import httpx

from trio_gateway.hooks.http.bounded import read_body

MAX_ANSWER: Final = 2_097_152
"""Bytes: a publication of 1 MiB in base64 fits."""

KEEP_SECONDS: Final = 4.0
"""An idle connection is closed after that: before common servers close it (5 s), so that no request meets that."""

HEADERS: Final = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "Content-Type": "application/json",
    "User-Agent": "trio-gateway",
}

Headers = Sequence[tuple[bytes, bytes]]


@attrs.frozen
class Response:
    """Hold an answer: its status, and its body where that is 200."""

    status: int
    body: bytes


def open_client(connections: int, transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """Make a client of so many connections at most; enter it to use it. Authorities are certifi's, or SSL_CERT_FILE's."""
    return httpx.AsyncClient(
        headers=HEADERS,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        timeout=None,  # noqa: S113 (the caller's)
        limits=httpx.Limits(
            max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=KEEP_SECONDS
        ),
        verify=httpx.create_ssl_context(),
        trust_env=False,
        transport=transport,
    )


async def post(client: httpx.AsyncClient, url: str, body: bytes, headers: Headers) -> Response:
    """Send a body and wait for the answer to it; the caller sets the deadline.

    Raises OSError where there is no answer, ValueError for one that is too long or compressed, or where nothing was asked.
    """
    try:
        response = await client.send(client.build_request("POST", url, content=body, headers=headers), stream=True)
        try:
            wanted = response.status_code == httpx.codes.OK
            return Response(response.status_code, await read_body(response, MAX_ANSWER) if wanted else b"")
        finally:
            await response.aclose()
    except httpx.LocalProtocolError as error:
        raise ValueError(f"this request can't be written: {error}") from error  # no word of the back end's
    except httpx.HTTPError as error:
        raise ConnectionError(str(error)) from error
