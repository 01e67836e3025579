"""A scripted gateway at the other end of memory streams: each test says what it sends, and when."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest
import trio
import trio.testing
from trio_websocket import ConnectionClosed, wrap_server_stream

from trio_gateway.client import connect


class Connection:
    """One accepted connection, as the gateway sees it."""

    def __init__(self, ws, target, headers, stream, freeze):
        self.ws = ws
        self.freeze = freeze  # read no more, and answer nothing
        self.path = urlsplit(target).path
        self.query = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        self.headers = dict(headers)
        self.stream = stream

    async def send(self, **frame):
        await self.ws.send_message(json.dumps(frame))

    async def hello(self, position="e:0", user="7", ping=25):
        await self.send(type="hello", user=user, client="c", ping=ping, position=position)

    async def message(self, offset, data=None, channel="#7", **fields):
        await self.send(type="message", channel=channel, offset=offset, data=data, time=1, **fields)

    async def gap(self, position, channel="#7", **bounds):
        await self.send(type="gap", channel=channel, position=position, **bounds)

    async def ok(self, request, **fields):
        await self.send(type="ok", ref=request["ref"], **fields)

    async def error(self, request, code, message="no"):
        await self.send(type="error", ref=request["ref"], code=code, message=message)

    async def goodbye(self, code, reason="", **fields):
        await self.send(type="goodbye", code=code, reason=reason, **fields)

    async def receive(self, *types):
        """Give the next frame; with types, the next one of these, passing by the others."""
        with trio.fail_after(600):
            while True:
                frame = json.loads(await self.ws.get_message())
                if not types or frame["type"] in types:
                    return frame

    async def closed(self):
        """Wait for the client's Close; gives its code and the frames that came before it."""
        frames = []
        try:
            with trio.fail_after(600):
                while True:
                    frames.append(json.loads(await self.ws.get_message()))
        except ConnectionClosed as closed:
            return closed.reason.code, frames

    async def close(self, code, reason=None):
        await self.ws.aclose(code, reason)

    async def lose(self):
        """Cut the line without a Close."""
        await trio.aclose_forcefully(self.stream)


class FakeGateway:
    """Take connections over memory streams; `attempts` are the times at which clients tried."""

    def __init__(self, nursery):
        self._nursery = nursery
        self._queue, self._connections = trio.open_memory_channel(100)
        self.attempts = []
        self.refusals = []
        self.opened = []

    async def open_stream(self, address):
        self.attempts.append(trio.current_time())
        await trio.lowlevel.checkpoint()
        refusal = self.refusals.pop(0) if self.refusals else None
        if isinstance(refusal, Exception):
            raise refusal
        client, server = trio.testing.memory_stream_pair()
        self.opened.append(client)
        self._nursery.start_soon(self._serve, server, refusal)
        return client

    async def _serve(self, stream, refusal):
        if refusal == "silent":
            return
        if refusal == "hang up":
            await stream.aclose()
            return
        async with trio.open_nursery() as reading:
            request = await wrap_server_stream(reading, stream)
            if refusal is not None:
                status, headers, body = refusal
                await request.reject(status, extra_headers=headers, body=body)
                return
            target, headers = request.path, request.headers
            ws = await request.accept()
            await self._queue.send(Connection(ws, target, headers, stream, reading.cancel_scope.cancel))

    async def accept(self):
        """Give the next connection, before its hello."""
        with trio.fail_after(600):
            return await self._connections.receive()

    async def greet(self, **hello):
        """Give the next connection, after its hello."""
        connection = await self.accept()
        await connection.hello(**hello)
        return connection

    def connect(self, **options):
        return connect("ws://gateway", open_stream=self.open_stream, **({"user": "7"} | options))


@pytest.fixture
async def gateway(nursery):
    assert isinstance(trio.lowlevel.current_clock(), trio.testing.MockClock), "the test needs autojump_clock itself"
    return FakeGateway(nursery)
