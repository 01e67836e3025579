"""Clients at the other end of an HTTP response that goes on: events or lines, read one by one."""

from __future__ import annotations

import msgspec
import trio
from gateway.peers import PATIENCE, Closed, Peer

from trio_gateway.model.errors import UnknownSession


def http_request(path, body=None, *, method=None, version="1.1", headers=()):
    """Write a request with a JSON value, or bytes, as its body."""
    lines = [f"{method or ('GET' if body is None else 'POST')} {path} HTTP/{version}", "Host: gateway.test"]
    data = b""
    if body is not None:
        data = body if isinstance(body, bytes) else msgspec.json.encode(body)
        lines.append(f"Content-Length: {len(data)}")
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode() + data


class StreamPeer(Peer):
    """Read a stream: each message is decoded, and the last event's `id` and `retry` are kept."""

    def __init__(self, sock):
        super().__init__(sock)
        self.comments = 0
        self.last_id = self.retry = None

    async def open(self, data):
        """Send a request that opens a stream; answers its head."""
        await self.write(data)
        self.head = await self.read_head()
        assert self.head.startswith("HTTP/1.1 200 "), self.head + str(self.buffer)
        return self

    async def read_until(self, end):
        with trio.fail_after(PATIENCE):
            while end not in self.buffer:
                data = await self.stream.receive_some()
                if not data:
                    assert not self.buffer, "the stream ends inside a message"
                    raise Closed
                self.buffer += data
        message, _, self.buffer = self.buffer.partition(end)
        return message

    async def receive(self):
        """Read the next message; raises Closed at the end."""
        if "text/event-stream" not in self.head:
            return msgspec.json.decode(await self.read_until(b"\n"))
        while True:
            event = await self.read_until(b"\n\n")
            fields = [line.partition(b":")[::2] for line in event.split(b"\n")]
            for name, value in fields:
                if name == b"id":
                    self.last_id = value.strip().decode()
                elif name == b"retry":
                    self.retry = int(value)
            if any(name == b"data" for name, _ in fields):
                return msgspec.json.decode(dict(fields)[b"data"])
            self.comments += 1

    async def closed(self):
        """Read to the end; answers the messages."""
        messages = []
        try:
            while True:
                messages.append(await self.receive())
        except Closed:
            return messages


class EmulatedPeer(StreamPeer):
    """Speak the Centrifugo protocol as SDKs do over a stream: what comes is a stream, what is sent are posts."""

    def __init__(self, sock):
        super().__init__(sock)
        self.id = 0
        self.node = None
        self.pushes = []
        self.answers_pings = True

    async def connect(self, node, path, **asked):
        """Open the stream with a command to connect."""
        self.node = node
        body = msgspec.json.encode({"id": self.next_id(), "connect": asked})
        await self.open(http_request(path, body))
        reply = await self.receive()
        self.connected = reply.get("connect", reply)
        return self

    def next_id(self):
        self.id += 1
        return self.id

    async def post(self, *commands, node=None):
        """Post commands, each as (method, request), by one node or another."""
        text = "\n".join(msgspec.json.encode(command).decode() for command in commands)
        await (node or self.node).posts.post(self.connected["node"], self.connected["session"], text)

    async def next(self):
        """Read the next reply or push; answers pings by posts."""
        while not (reply := await self.receive()):
            self.pings += 1
            assert self.pings < 100, "nothing but pings comes"
            if self.answers_pings:
                try:
                    await self.post({})
                except UnknownSession:
                    continue
        return reply

    async def ask(self, method, /, node=None, **request):
        """Post a command and read its reply; pushes that come before it are kept in `pushes`."""
        id = self.next_id()
        await self.post({"id": id, method: request}, node=node)
        while (reply := await self.next()).get("id") != id:
            self.pushes.append(reply["push"])
        return reply

    async def do(self, method, /, node=None, **request):
        reply = await self.ask(method, node=node, **request)
        assert method in reply, reply
        return reply[method]

    async def push(self):
        return self.pushes.pop(0) if self.pushes else (await self.next())["push"]
