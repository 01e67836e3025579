"""A node that answers on its clients' port, asked over the wire as pages and programs do."""

from __future__ import annotations

from contextlib import asynccontextmanager

import msgspec
from gateway.peers import serve_place
from gateway.streams import http_request

from trio_gateway.public.app import make_public_app


@asynccontextmanager
async def serve_public(*routes, **settings):
    """Serve a node from memory, with its public app."""
    async with serve_place(**settings) as place:
        place.application = make_public_app(place.node, *routes)
        yield place


async def ask(place, path, body=None, *, headers=(), **request):
    """Ask on a socket of its own; answers the status, the JSON body (None for none) and the head."""
    peer = place.wire()
    data = body if body is None or isinstance(body, bytes) else msgspec.json.encode(body)
    await peer.write(http_request(path, data, headers=headers, **request))
    head = await peer.read_head()
    size = next((int(line[15:]) for line in head.lower().splitlines() if line.startswith("content-length:")), 0)
    text = await peer.read_exactly(size) if request.get("method") != "HEAD" else b""
    status = int(head.split()[1])
    if "application/json" not in head:
        return status, text or None, head
    return status, msgspec.json.decode(text), head
