"""A client that is not ours: the `websockets` library, JSON in and out."""

from __future__ import annotations

import contextlib
import json
from collections import deque

import trio
from e2e.gateway_process import PATIENCE
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.trio.client import connect

__all__ = ["ConnectionClosed", "InvalidStatus", "StockClient", "dial"]


class StockClient:
    """Speak the plain protocol over one connection."""

    def __init__(self, connection) -> None:
        self.connection = connection
        self.hello: dict[str, object] = {}
        self._asked = 0
        self._passed: deque[dict[str, object]] = deque()

    async def receive(self, kind: str | None = None):
        """Give the next frame, or the next of one kind; raises ConnectionClosed at the end."""
        with trio.fail_after(30):
            while True:
                frame = self._passed.popleft() if self._passed else json.loads(await self.connection.recv())
                if kind is None or frame["type"] == kind:
                    return frame

    async def send(self, **frame: object) -> None:
        await self.connection.send(json.dumps(frame))

    async def ask(self, **frame: object):
        """Send a request and give its answer; what comes before it waits for `receive`."""
        self._asked += 1
        await self.send(ref=self._asked, **frame)
        passed = []
        while (answer := await self.receive()).get("ref") != self._asked:
            passed.append(answer)
        self._passed.extendleft(reversed(passed))
        return answer

    async def closed(self) -> tuple[list[dict[str, object]], int, str]:
        """Read to the end: what came, the close code and its reason."""
        frames = []
        try:
            while True:
                frames.append(await self.receive())
        except ConnectionClosed as end:
            code, reason = (end.rcvd.code, end.rcvd.reason) if end.rcvd else (1006, "")
            return frames, code, reason


@contextlib.asynccontextmanager
async def dial(url: str, *, patient: bool = True, **options):
    """Connect, and read the hello; who is `patient` comes again after a 503, as a node answers whose store is slow."""
    async with contextlib.AsyncExitStack() as stack:
        connection = await _connect(stack, url, PATIENCE if patient else 0.0, options)
        client = StockClient(connection)
        client.hello = await client.receive()
        assert client.hello["type"] == "hello"
        yield client


async def _connect(stack: contextlib.AsyncExitStack, url: str, patience: float, options):
    deadline = trio.current_time() + patience
    while True:
        try:
            opening = connect(url, proxy=None, ping_interval=None, close_timeout=5, **options)
            return await stack.enter_async_context(opening)
        except InvalidStatus as refused:
            if refused.response.status_code != 503 or trio.current_time() > deadline:
                raise
        await trio.sleep(1)  # what Retry-After says
