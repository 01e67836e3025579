"""The body of an answer is read up to a bound, and only as it is: what is packed could be unpacked to any length."""

from __future__ import annotations

import httpx
import trio


async def read_body(response: httpx.Response, most: int) -> bytes:
    """Read a body of at most `most` bytes; raises ValueError for one that is longer or compressed, and what httpx does."""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise ValueError("expected a body that is not compressed")
    body = bytearray()
    # An error from within the loop would leave httpx's generators half way; a cancellation ends them all.
    with trio.CancelScope() as reading:
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > most:
                reading.cancel()
    if len(body) > most:
        raise ValueError(f"expected at most {most} bytes")
    return bytes(body)
