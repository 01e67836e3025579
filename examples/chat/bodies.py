"""What a page may ask of the back end: the shapes of its requests, and how large they may be.

What does not fit is answered by one sentence that says what was wrong.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import Annotated, TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request

MAX_BODY = 16 * 1024
"""Bytes: a text of MAX_TEXT characters, each of which JSON may write in six, and a little."""

MAX_TEXT = 2000

T = TypeVar("T")
Channel = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class LogIn(msgspec.Struct):
    """Become the person of this name."""

    name: Annotated[str, msgspec.Meta(max_length=100)]


class Send(msgspec.Struct):
    """Say something in a conversation; the page makes the id, under which a repetition is harmless."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{8,40}\Z")]
    channel: Channel
    text: Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]


class Read(msgspec.Struct):
    """Say that everything of a conversation was read, up to this offset in one's own inbox."""

    channel: Channel
    offset: Annotated[int, msgspec.Meta(ge=1, lt=2**53)]


async def read_body(request: Request, kind: type[T]) -> T:
    """Read a request's body; raises HTTPException where it is too large, or something else."""
    if request.headers.get("content-type") != "application/json":
        # No form of another site can send this type, and a script of one has to ask first.
        raise HTTPException(415, "the body must be application/json")
    body = bytearray()
    async with aclosing(request.stream()) as parts:
        async for part in parts:
            body += part
            if len(body) > MAX_BODY:
                raise HTTPException(413, f"a request has at most {MAX_BODY} bytes")
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise HTTPException(400, str(wrong)) from None
