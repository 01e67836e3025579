"""A back end for the hooks as an application would write one: Starlette on Hypercorn, on a real socket."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial

import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route


class Application:
    """Answer at a path for each hook; what was asked is kept. A test replaces answers as it likes."""

    def __init__(self):
        self.asked = {}
        self.headers = {}
        self.answers = {
            "connect": {"result": {"user": "7", "data": {"hello": "there"}, "channels": ["news"]}},
            "subscribe": {"result": {}},
            "publish": {"result": {}},
            "rpc": {"result": {"data": {"answer": 42}}},
            "refresh": {"result": {"expired": True}},
            "sub_refresh": {"result": {"expired": True}},
            "disconnected": {"result": {}},
        }
        self.app = Starlette(routes=[Route("/{hook}", self.answer, methods=["POST"])])

    async def answer(self, request):
        hook = request.path_params["hook"]
        self.headers[hook] = dict(request.headers)
        self.asked.setdefault(hook, []).append(await request.json())
        answer = self.answers[hook]
        if callable(answer):
            answer = await answer()
        return JSONResponse(answer)


@asynccontextmanager
async def serving(application):
    """Serve an application; gives its URL."""
    config = Config()
    config.bind = ["127.0.0.1:0"]
    config.graceful_timeout = 0
    config.errorlog = config.accesslog = None
    async with trio.open_nursery() as nursery:
        (address,) = await nursery.start(partial(serve, application.app, config))
        yield address
        nursery.cancel_scope.cancel()
