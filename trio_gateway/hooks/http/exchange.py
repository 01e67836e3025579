"""One POST and its answer: no redirect is followed, no cookie kept, nothing read from the environment but trusted authorities."""

from __future__ import annotations

from collections.abc import Sequence
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final

import attrs
import httpx

from trio_gateway.hooks.http.bounded import drain, read_body

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


class NothingSent(ValueError):
    """Tell that a request can't be written: nothing of it was sent, and the back end has no part in it."""


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

    Raises OSError where there is no answer, ValueError for one that is too long or compressed, NothingSent where nothing
    was asked. What stood in a request or an answer that is no HTTP is in no error: it may be a secret.
    """
    try:
        response = await client.send(client.build_request("POST", url, content=body, headers=headers), stream=True)
        try:
            return Response(response.status_code, await _body_of(response))
        finally:
            await response.aclose()
    except httpx.LocalProtocolError:
        raise NothingSent("this request can't be written") from None
    except httpx.RemoteProtocolError:
        raise ConnectionError("its answer broke off, or is no HTTP") from None
    except httpx.HTTPError as error:
        raise ConnectionError(str(error)) from error


async def _body_of(response: httpx.Response) -> bytes:
    if response.status_code == httpx.codes.OK:
        return await read_body(response, MAX_ANSWER)
    await drain(response)
    return b""
