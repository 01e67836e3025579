"""What the frames `ack`, `send` and `publish` of the plain protocol are to clients that hear by a stream: requests."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trio_gateway.gateway.commands.single_requests import SingleRequests
from trio_gateway.gateway.http.exchange import REQUEST
from trio_gateway.gateway.nodes.node import Node
from trio_gateway.model.commands import Publish, Send
from trio_gateway.public.refusing import FRESH
from trio_gateway.wire import plain_requests
from trio_gateway.wire.plain_replies import encode_reply
from trio_gateway.wire.refusal import RequestRefused
from trio_gateway.wire.request import HttpRequest

ACK_PATH = "/ack"
SEND_PATH = "/send"
PUBLISH_PATH = "/publish"


def plain_routes(node: Node) -> Sequence[Route]:
    """Make the routes; who asks says so as at `/sse`, by the same parameters and headers."""
    requests = SingleRequests(node)

    async def acknowledge(request: Request) -> Response:
        client = await requests.identify(_parsed(request).read(), _address_of(request))
        await requests.acknowledge(client, plain_requests.decode_ack(await request.body()))
        return Response(status_code=204, headers=FRESH)

    async def read_frame(request: Request) -> bytes:
        frame = await request.body()
        if len(frame) > node.settings.max_frame_size:
            raise RequestRefused(413, f"a frame has at most {node.settings.max_frame_size} bytes")
        return frame

    def publishing(decode: Callable[[bytes], Publish | Send]) -> Callable[[Request], object]:
        async def publish(request: Request) -> Response:
            client = await requests.identify(_parsed(request).read(), _address_of(request))
            published = await requests.publish(client, decode(await read_frame(request)))
            return Response(encode_reply(published), headers=FRESH, media_type="application/json")

        return publish

    return [
        Route(ACK_PATH, acknowledge, methods=["POST"]),
        Route(SEND_PATH, publishing(plain_requests.decode_send), methods=["POST"]),
        Route(PUBLISH_PATH, publishing(plain_requests.decode_publish), methods=["POST"]),
    ]


def _address_of(request: Request) -> str:
    return request.client.host if request.client is not None else ""


def _parsed(request: Request) -> HttpRequest:
    parsed = request.scope["extensions"][REQUEST]
    assert isinstance(parsed, HttpRequest), "the exchange puts it there"
    return parsed
