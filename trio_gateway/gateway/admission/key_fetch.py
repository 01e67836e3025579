"""A key set is fetched with bounds: one that is too long is not read, and no redirect leads to another scheme."""

from __future__ import annotations

from typing import Final

import httpx

from trio_gateway.hooks.http.bounded import read_body

MAX_BODY: Final = 1_048_576
"""Bytes; a set of a hundred keys has some 100,000."""

MAX_REDIRECTS: Final = 3

HEADERS: Final = {
    "Accept": "application/jwk-set+json, application/json",
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
    return await read_body(response, MAX_BODY)
