"""Requests about one client, and a back end that a test scripts at httpx's own seam."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager

import httpx
import trio

from trio_gateway.hooks.http.back_end import SHAPES
from trio_gateway.hooks.http.caller import Caller
from trio_gateway.hooks.http.exchange import open_client
from trio_gateway.hooks.requests import (
    ConnectRequest,
    DisconnectedRequest,
    PublishRequest,
    RefreshRequest,
    RpcRequest,
    SubRefreshRequest,
    SubscribeRequest,
)
from trio_gateway.model.user import ANONYMOUS, User
from trio_gateway.session.client import Client
from trio_gateway.settings.back_end import HookRules

URL = "https://app.test/hooks"

CLIENT = Client(
    "c1",
    User("56"),
    "phone",
    "192.0.2.1",
    "centrifugo",
    meta=b'{"plan":"free"}',
    headers={"cookie": "session=1", "x-user": "of-the-proxy", "x-latin": "é"},
    emulated_headers={"authorization": "Bearer x", "x-user": "forged"},
)
STRANGER = Client("c1", ANONYMOUS, "", "192.0.2.1", "centrifugo")

REQUESTS = {
    "connect": ConnectRequest(
        client=STRANGER, http=None, raw=b'{"a":1}', name="js", version="5", channels=("news", "chat")
    ),
    "subscribe": SubscribeRequest(client=CLIENT, channel="chat:index", raw=b"[1]"),
    "publish": PublishRequest(client=CLIENT, channel="chat:index", raw=b'{"input":"hello"}', id="m1"),
    "rpc": RpcRequest(client=CLIENT, method="getCurrentPrice", raw=b'{"params":{"object_id":12}}'),
    "refresh": RefreshRequest(client=CLIENT),
    "sub_refresh": SubRefreshRequest(client=CLIENT, channel="chat:index"),
    "disconnected": DisconnectedRequest(client=CLIENT, code=3000, reason="connection closed", node="n1"),
}
RPC = REQUESTS["rpc"]
OK = {"result": {"data": 1}}


def response(status=200, content=b"", **headers):
    """Make a response that comes over a wire: its body is still to be read."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, headers=named, stream=httpx.ByteStream(content))


class BackEnd:
    """Answer what the test says: JSON, a whole response, an exception, or what an async function makes of the request."""

    def __init__(self, answer):
        self.answer = answer
        self.requests = []

    async def __call__(self, request):
        self.requests.append(request)
        answer = self.answer
        if callable(answer):
            answer = await answer(request)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):  # one for each request, as each is read
            return httpx.Response(answer.status_code, headers=answer.headers, stream=answer.stream)
        return response(content=json.dumps(answer).encode())

    @property
    def bodies(self):
        return [json.loads(request.content) for request in self.requests]


@asynccontextmanager
async def asking(answer, hook="rpc", **options):
    """Give a caller of one hook, and the back end that it asks."""
    back_end = BackEnd(answer)
    rules = HookRules(**{"url": URL} | options)
    caller = Caller(hook, rules, SHAPES[hook])
    async with open_client(rules.max_concurrent, httpx.MockTransport(back_end)) as client:
        caller.use(client)
        yield caller, back_end


def after(seconds, answer=OK):
    """Make an answer that comes after some time."""

    async def answer_later(_request):
        await trio.sleep(seconds)
        return answer

    return answer_later
