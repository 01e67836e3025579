"""Of a request's body never more than the limit is held, whether or not its length was told before."""

from __future__ import annotations

from contextlib import aclosing

from starlette.requests import Request


class BodyTooLarge(Exception):
    """Refuse a body past the limit."""


async def read_body(request: Request, limit: int) -> bytes:
    """Read a body of at most `limit` bytes; raises BodyTooLarge, and ClientDisconnect where the caller has gone."""
    told = request.headers.get("content-length", "")
    if told.isascii() and told.isdigit() and int(told[:20]) > limit:
        raise BodyTooLarge
    body = bytearray()
    async with aclosing(request.stream()) as pieces:
        async for piece in pieces:
            if len(body) + len(piece) > limit:
                raise BodyTooLarge
            body += piece
    return bytes(body)
