"""A request's body is read here, whole and bounded; h11 knows where it ends."""

from __future__ import annotations

import h11
import trio

from trio_gateway.gateway.transport.socket import ClientSocket
from trio_gateway.wire.refusal import RequestRefused
from trio_gateway.wire.request import HttpRequest

PIECES_PER_TURN = 256
"""Of a body, some 20 µs each: one read can bring thousands of chunks of a byte, which would hold up everybody else."""

_DIGITS = 15
"""No length has more; Python refuses to read a number of thousands."""


async def read_body(socket: ClientSocket, request: HttpRequest, limit: int) -> bytes:
    """Read the body; what comes behind it stays in the request's parser.

    Raises RequestRefused: 413 for one of more than `limit` bytes, 400 for a broken one; EOFError where the client ends
    first, and what the socket raises. The caller sets the deadline.
    """
    parser = request.parser
    if _announced(request) > limit:
        raise RequestRefused(413, f"a body has at most {limit} bytes")
    if request.rest:
        parser.receive_data(request.rest)
    body = bytearray()
    pieces = 0
    try:
        while not isinstance(event := await _next_event(socket, parser), h11.EndOfMessage):
            body += event.data
            pieces += 1
            if pieces % PIECES_PER_TURN == 0:
                await trio.lowlevel.checkpoint()
            if len(body) > limit:
                raise RequestRefused(413, f"a body has at most {limit} bytes")
    except h11.RemoteProtocolError as error:
        raise RequestRefused(400, str(error).partition(":")[0]) from error
    return bytes(body)


def _announced(request: HttpRequest) -> int:
    """Give the length that the head announces, which h11 has checked: digits, however many."""
    digits = request.headers.get("content-length", "0").partition(",")[0].strip()
    return int(digits[-_DIGITS:]) if len(digits.lstrip("0")) <= _DIGITS else 10**_DIGITS


async def _next_event(socket: ClientSocket, parser: h11.Connection) -> h11.Data | h11.EndOfMessage:
    while True:
        event = parser.next_event()
        if isinstance(event, (h11.Data, h11.EndOfMessage)):
            return event
        if parser.they_are_waiting_for_100_continue:
            await socket.send(parser.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
        data = await socket.receive()
        if not data:
            raise EOFError("the peer ended before its request was whole")
        parser.receive_data(data)
