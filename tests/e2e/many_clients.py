"""A crowd of small clients over raw sockets: what a full client library costs a thousand times would be the test's load."""

from __future__ import annotations

import json
import resource
import socket
import time
from contextlib import asynccontextmanager

import trio
from e2e.gateway_process import PATIENCE
from gateway.peers import Closed, Peer, request
from wire.client_frames import client_frame

from trio_gateway.wire.frames import Opcode

AT_ONCE = 50


class SmallClient:
    """Note what comes; a message is acknowledged by nobody."""

    def __init__(self, *, answers_close: bool) -> None:
        self.sock = socket.socket()
        self.goodbye: dict[str, object] | None = None
        self.goodbye_at = 0.0
        self.heard_after_goodbye = False
        self.messages: list[object] = []
        self.code: int | None = None
        self.ended = trio.Event()
        self._answers_close = answers_close

    async def open(self, gateway, user: str) -> None:
        """Open the connection; comes again after a 503, as a client does whose node waits for its store on a busy machine."""
        with trio.fail_after(PATIENCE):
            while (head := await self._ask(gateway, user)).startswith("HTTP/1.1 503 "):
                self.sock.close()
                self.sock = socket.socket()
                await trio.sleep(1)  # what Retry-After says
        assert head.startswith("HTTP/1.1 101 "), head
        opcode, hello = await self.peer.read_frame()
        assert opcode is Opcode.TEXT, hello

    async def _ask(self, gateway, user: str) -> str:
        await trio.socket.from_stdlib_socket(self.sock).connect(("127.0.0.1", gateway.port))
        self.peer = Peer(self.sock)
        await self.peer.write(request(f"/ws?user={user}"))
        return await self.peer.read_head()

    async def read(self) -> None:
        try:
            while True:
                self._take(*await self.peer.read_frame())
                if self.code is not None and self._answers_close:
                    await self.peer.write(client_frame(self.code.to_bytes(2, "big"), Opcode.CLOSE))
        except (Closed, trio.BrokenResourceError):
            self.ended.set()

    def _take(self, opcode: Opcode, payload: bytes) -> None:
        if opcode is Opcode.CLOSE:
            self.code = int.from_bytes(payload[:2], "big")
        elif opcode is Opcode.TEXT:
            frame = json.loads(payload)
            if frame["type"] == "goodbye":
                self.goodbye, self.goodbye_at = frame, time.monotonic()
            elif frame["type"] == "message":
                self.messages.append(frame["data"])
                self.heard_after_goodbye = self.goodbye is not None


@asynccontextmanager
async def crowd(gateway, count: int, *, user: str | None = None, answers_close: bool = True):
    """Connect so many clients, each of a user of its own unless one is named; they read until the block ends."""
    allow_open_files(count + 200)
    clients = [SmallClient(answers_close=answers_close) for _ in range(count)]
    limit = trio.CapacityLimiter(AT_ONCE)

    async def connect(number: int, client: SmallClient) -> None:
        async with limit:
            await client.open(gateway, user or f"u{number}")

    try:
        async with trio.open_nursery() as opening:
            for number, client in enumerate(clients):
                opening.start_soon(connect, number, client)
        async with trio.open_nursery() as reading:
            for client in clients:
                reading.start_soon(client.read)
            yield clients
            reading.cancel_scope.cancel()
    finally:
        for client in clients:
            client.sock.close()


def allow_open_files(count: int) -> None:
    """Let this process open so many files, where the system's limit is lower."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))
