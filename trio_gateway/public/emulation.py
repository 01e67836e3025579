"""Clients whose connection is a stream send their commands here, at whichever node (protocol §11)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trio_gateway.gateway.nodes.node import Node
from trio_gateway.model.errors import BadRequest
from trio_gateway.wire.refusal import RequestRefused

EMULATION_PATH = "/emulation"
"""Where SDKs send commands unless they are told otherwise."""


class _Emulation(msgspec.Struct):
    session: str
    node: str
    data: str


_emulations = msgspec.json.Decoder(_Emulation)


def emulation_routes(node: Node) -> Sequence[Route]:
    """Make the route by which commands reach the client that has a session."""

    async def emulate(request: Request) -> Response:
        asked = _read(await request.body())
        if len(asked.data.encode()) > node.settings.max_frame_size:
            raise RequestRefused(413, f"commands have at most {node.settings.max_frame_size} bytes together")
        await node.posts.post(asked.node, asked.session, asked.data)
        return Response(status_code=204)

    return [Route(EMULATION_PATH, emulate, methods=["POST"])]


def _read(body: bytes) -> _Emulation:
    try:
        return _emulations.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRequest(str(error)) from error
