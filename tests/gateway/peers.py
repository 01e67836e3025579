"""A client at the other end of a wire, frame by frame; and a node that serves such clients from memory."""

import base64
import socket
from contextlib import asynccontextmanager, suppress

import msgspec
import trio
from wire.client_frames import client_frame

from trio_gateway.broker.limits import Limits
from trio_gateway.broker.memory import MemoryBroker
from trio_gateway.gateway.connection import serve_connection
from trio_gateway.gateway.hooks import Hooks
from trio_gateway.gateway.node import Node
from trio_gateway.settings.namespaces import ChannelRules, Namespaces
from trio_gateway.settings.settings import Settings
from trio_gateway.wire.frames import Opcode

OPEN = ChannelRules(allow_subscribe_for_client=True, allow_publish_for_client=True)
NAMESPACES = Namespaces(named={"open": OPEN})
KEY = base64.b64encode(bytes(16)).decode()


def request(path="/ws?user=7", *, headers=(), **replaced):
    """Write an upgrade request; a replaced header of None is left out."""
    fields = {
        "Host": "gateway.test",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
    } | {name.replace("_", "-"): value for name, value in replaced.items()}
    lines = [f"{name}: {value}" for name, value in [*fields.items(), *headers] if value is not None]
    return "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode()


class Closed(Exception):
    """Tell how the server closed: the close code and reason, or None where the link just ended."""

    def __init__(self, code=None, reason=""):
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class Peer:
    """Speak raw HTTP and WebSocket to the server."""

    def __init__(self, sock):
        self.sock = sock
        self.stream = trio.SocketStream(trio.socket.from_stdlib_socket(sock))
        self.buffer = b""
        self.pings = 0
        self.answers_pings = True

    async def write(self, data):
        await self.stream.send_all(data)

    async def read_exactly(self, size):
        while len(self.buffer) < size:
            try:
                data = await self.stream.receive_some(65536)
            except trio.BrokenResourceError:
                data = b""
            if not data:
                raise Closed
            self.buffer += data
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    async def read_head(self):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += await self.read_exactly(1)
        return head.decode()

    async def read_response(self):
        """Read a refusal: its status and its JSON body."""
        head = await self.read_head()
        size = next(int(line[15:]) for line in head.lower().splitlines() if line.startswith("content-length:"))
        return int(head.split()[1]), msgspec.json.decode(await self.read_exactly(size)), head

    async def read_frame(self):
        first, second = await self.read_exactly(2)
        length = second
        if length == 126:
            length = int.from_bytes(await self.read_exactly(2), "big")
        elif length == 127:
            length = int.from_bytes(await self.read_exactly(8), "big")
        return Opcode(first & 15), await self.read_exactly(length)

    async def receive(self):
        """Read the next JSON object; answers pings on the way; raises Closed at a Close."""
        while True:
            opcode, payload = await self.read_frame()
            if opcode is Opcode.TEXT:
                return msgspec.json.decode(payload)
            if opcode is Opcode.PING:
                self.pings += 1
                if self.answers_pings:
                    await self.write(client_frame(payload, Opcode.PONG))
            elif opcode is Opcode.CLOSE:
                with suppress(trio.BrokenResourceError):  # where it answers ours, the link may be gone already
                    await self.write(client_frame(payload[:2], Opcode.CLOSE))
                raise Closed(int.from_bytes(payload[:2], "big"), payload[2:].decode())

    async def receive_pong(self):
        while True:
            opcode, payload = await self.read_frame()
            if opcode is Opcode.PONG:
                return payload

    async def receive_until(self, kind):
        while (frame := await self.receive())["type"] != kind:
            pass
        return frame

    async def closed(self):
        """Read on until the server closes; answers how."""
        try:
            while True:
                await self.receive()
        except Closed as closed:
            return closed

    async def send(self, **frame):
        await self.write(client_frame(msgspec.json.encode(frame)))

    async def ask(self, **frame):
        """Send a request and read its answer, past whatever else comes."""
        await self.send(ref="r", **frame)
        while (answer := await self.receive()).get("ref") != "r":
            pass
        return answer


def tcp_pair():
    """Connect two sockets by TCP, where a reset differs from an end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        theirs = socket.create_connection(listener.getsockname())
        return listener.accept()[0], theirs


class Place:
    """Serve one node from memory."""

    def __init__(self, node, broker, nursery):
        self.node = node
        self.broker = broker
        self.nursery = nursery
        self.peers = []

    def wire(self, *, send_buffer=None, pair=socket.socketpair):
        """Connect a new peer to the node."""
        ours, theirs = pair()
        if send_buffer is not None:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        self.nursery.start_soon(serve_connection, self.node, ours, "192.0.2.1")
        self.peers.append(Peer(theirs))
        return self.peers[-1]

    async def dial(self, path="/ws?user=7", *, headers=(), send_buffer=None, pair=socket.socketpair, **replaced):
        """Open a WebSocket; answers the peer and its hello."""
        peer = self.wire(send_buffer=send_buffer, pair=pair)
        await peer.write(request(path, headers=headers, **replaced))
        peer.head = await peer.read_head()
        assert peer.head.startswith("HTTP/1.1 101 "), peer.head + str(peer.buffer)
        peer.hello = await peer.receive()
        assert peer.hello["type"] == "hello"
        return peer

    async def refused(self, data):
        peer = self.wire()
        await peer.write(data)
        return await peer.read_response()


@asynccontextmanager
async def serve_place(*, broker=None, hooks=None, **settings):
    """Serve a node over a memory broker for the block."""
    settings = Settings(**{"insecure": True, "namespaces": NAMESPACES} | settings)
    broker = broker or MemoryBroker(namespaces=settings.namespaces, limits=Limits.of(settings))
    async with trio.open_nursery() as nursery:
        node = Node(settings, broker, hooks or Hooks())
        await nursery.start(broker.serve, node.hub)
        await nursery.start(node.hub.serve)
        nursery.start_soon(node.heartbeat.serve)
        nursery.start_soon(node.deadlines.serve)
        nursery.start_soon(node.control.serve)
        place = Place(node, broker, nursery)
        try:
            yield place
        finally:
            for peer in place.peers:
                peer.stream.socket.close()
        nursery.cancel_scope.cancel()
