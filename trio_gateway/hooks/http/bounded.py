"""The body of an answer is read up to a bound, and only as it is: what is packed could be unpacked to any length."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

import httpx
import trio

MAX_DRAINED: Final = 65_536
"""Bytes of a body of which nothing is wanted: enough for a page of a proxy's about an error."""


async def read_body(response: httpx.Response, most: int) -> bytes:
    """Read a body of at most `most` bytes; raises ValueError for one that is longer or compressed, and what httpx does."""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise ValueError("expected a body that is not compressed")
    body = await _read(response, most)
    if len(body) > most:
        raise ValueError(f"expected at most {most} bytes")
    return body


async def drain(response: httpx.Response) -> None:
    """Read a body of which nothing is wanted, since only then its connection is kept; a long or broken one costs it."""
    with suppress(httpx.HTTPError):
        await _read(response, MAX_DRAINED)


async def _read(response: httpx.Response, most: int) -> bytes:
    """Read a body, or so much of it that it is too long."""
    body = bytearray()
    # An error from within the loop would leave httpx's generators half way; a cancellation ends them all.
    with trio.CancelScope() as reading:
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > most:
                reading.cancel()
    return bytes(body)
