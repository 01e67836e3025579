"""A key set is fetched with bounds: one that is too long is not read, and no redirect leads to another scheme."""

from __future__ import annotations

from typing import Final

import httpx
import trio

MAX_BODY: Final = 1_048_576
"""Bytes; a set of a hundred keys has some 100,000."""

MAX_REDIRECTS: Final = 3

HEADERS: Final = {
    "Accept": "application/jwk-set+json, application/json",
    # What is packed could be unpacked to any length.
    "Accept-Encoding": "identity",
    "User-Agent": "trio-gateway",
}


async def fetch_keys(url: str) -> bytes:
    """Return the body that a URL leads to; the caller sets the deadline.

    Raises OSError where there is no answer, ValueError for any but a 200 of at most 1 MiB.
    """
    try:
        async with httpx.AsyncClient(headers=HEADERS, timeout=None) as client:  # noqa: S113 (the caller's)
            return await _fetch(client, client.build_request("GET", url))
    except httpx.InvalidURL as error:
        raise ValueError(str(error)) from error
    except httpx.HTTPError as error:
        raise ConnectionError(str(error)) from error


async def _fetch(client: httpx.AsyncClient, request: httpx.Request) -> bytes:
    for _ in range(MAX_REDIRECTS + 1):
        response = await client.send(request, stream=True)
        try:
            if response.next_request is None:
                return await _read(response)
        finally:
            await response.aclose()
        if response.next_request.url.scheme != request.url.scheme:
            raise ValueError(f"expected no redirect to another scheme ({response.next_request.url.scheme})")
        request = response.next_request
    raise ValueError(f"expected at most {MAX_REDIRECTS} redirects")


async def _read(response: httpx.Response) -> bytes:
    if response.status_code != httpx.codes.OK:
        raise ValueError(f"expected the status 200, not {response.status_code}")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise ValueError("expected a body that is not compressed")
    body = bytearray()
    # An error from within the loop would leave httpx's generators half way; a cancellation ends them all.
    with trio.CancelScope() as reading:
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > MAX_BODY:
                reading.cancel()
    if len(body) > MAX_BODY:
        raise ValueError(f"expected at most {MAX_BODY} bytes")
    return bytes(body)
