"""A client at the other end of a wire, frame by frame; and a node that serves such clients from memory."""

import base64
import socket
import time
from contextlib import asynccontextmanager, suppress

import jwt
import msgspec
import trio
import trio.testing
from wire.client_frames import client_frame

from trio_gateway.broker.limits import Limits
from trio_gateway.broker.memory import MemoryBroker
from trio_gateway.gateway.nodes.lost_nodes import LostNodes
from trio_gateway.gateway.nodes.node import Node
from trio_gateway.gateway.nodes.survey import NODES_CHANNEL as NODES
from trio_gateway.gateway.served_socket import serve_socket
from trio_gateway.hooks.hooks import Hooks
from trio_gateway.settings.namespaces import ChannelRules, Namespaces
from trio_gateway.settings.settings import Settings
from trio_gateway.wire.frames import Opcode

OPEN = ChannelRules(allow_subscribe_for_client=True, allow_publish_for_client=True)
NAMESPACES = Namespaces(named={"open": OPEN})
PATIENCE = 100
"""Seconds in which something comes, be it a ping; in virtual time a test would wait for ever."""

KEY = base64.b64encode(bytes(16)).decode()
SECRET = "a secret of at least thirty-two bytes"
SDK_PATH = "/connection/websocket"
NOW = 1_700_000_000
"""Unix seconds at the start of a test: from there on the nodes' clocks are Trio's, which may be virtual."""


def unix_time():
    return NOW + trio.current_time()


def token(user="7", **claims):
    return jwt.encode({"sub": user} | claims, SECRET, algorithm="HS256")


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
        return msgspec.json.decode(await self.receive_text())

    async def receive_text(self):
        while True:
            opcode, payload = await self.read_frame()
            if opcode is Opcode.TEXT:
                return payload
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


class SdkPeer(Peer):
    """Speak the Centrifugo protocol as SDKs do."""

    def __init__(self, sock):
        super().__init__(sock)
        self.lines = []
        self.pushes = []
        self.id = 0

    async def receive(self):
        """Read the next reply; answers pings on the way; raises Closed at a Close."""
        while True:
            while not self.lines:
                with trio.fail_after(PATIENCE):
                    self.lines = [msgspec.json.decode(line) for line in (await self.receive_text()).split(b"\n")]
            reply = self.lines.pop(0)
            if reply:
                return reply
            self.pings += 1
            assert self.pings < 100, "nothing but pings comes"
            if self.answers_pings:
                with suppress(trio.BrokenResourceError):  # what was said before the end is still to be read
                    await self.pong()

    async def pong(self):
        await self.write(client_frame(b"{}"))

    async def command(self, *commands):
        """Send commands in one frame, each as (method, request)."""
        lines = []
        for method, request in commands:
            self.id += 1
            lines.append(msgspec.json.encode({"id": self.id, method: request}))
        await self.write(client_frame(b"\n".join(lines)))

    async def ask(self, method, /, **request):
        """Send a command and read its reply; pushes that come before it are kept in `pushes`."""
        await self.command((method, request))
        while (reply := await self.receive()).get("id") != self.id:
            self.pushes.append(reply["push"])
        return reply

    async def do(self, method, /, **request):
        """Send a command that succeeds, and give its result."""
        reply = await self.ask(method, **request)
        assert method in reply, reply
        return reply[method]

    async def refused(self, method, /, **request):
        """Send a command that fails, and give its error's code."""
        return (await self.ask(method, **request))["error"]["code"]

    async def push(self):
        """Read the next push."""
        return self.pushes.pop(0) if self.pushes else (await self.receive())["push"]

    async def publications(self, count):
        """Read pushes until so many publications came, and give their offsets."""
        offsets = []
        while len(offsets) < count:
            push = await self.push()
            offsets += [push["pub"]["offset"]] if "pub" in push else []
        return offsets

    async def silent(self):
        """Tell whether nothing more has come, once the node has nothing more to do."""
        await trio.testing.wait_all_tasks_blocked()
        with trio.move_on_after(0.01):
            self.pushes.append(await self.receive())
        return not self.pushes


def tcp_pair():
    """Connect two sockets by TCP, where a reset differs from an end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        theirs = socket.create_connection(listener.getsockname())
        return listener.accept()[0], theirs


class Place:
    """Serve one node from memory."""

    def __init__(self, node, broker, nursery, application):
        self.node = node
        self.application = application
        self.broker = broker
        self.nursery = nursery
        self.peers = []

    def wire(self, *, send_buffer=None, pair=socket.socketpair, speak=Peer):
        """Connect a new peer to the node."""
        ours, theirs = pair()
        if send_buffer is not None:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        self.nursery.start_soon(serve_socket, self.node, self.application, ours, "192.0.2.1")
        self.peers.append(speak(theirs))
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

    async def open_sdk(self, path=SDK_PATH, *, headers=(), send_buffer=None, **replaced):
        """Open a WebSocket for the Centrifugo protocol."""
        peer = self.wire(send_buffer=send_buffer, speak=SdkPeer)
        await peer.write(request(path, headers=headers, **replaced))
        peer.head = await peer.read_head()
        assert peer.head.startswith("HTTP/1.1 101 "), peer.head + str(peer.buffer)
        return peer

    async def connect(self, user="7", *, claims=None, path=SDK_PATH, send_buffer=None, **asked):
        """Connect an SDK's client with a token; answers it and its `connected`."""
        peer = await self.open_sdk(path, send_buffer=send_buffer)
        peer.connected = await peer.do("connect", token=token(user, **(claims or {})), **asked)
        return peer

    @property
    def left(self):
        """Show what is left of clients on this node."""
        node = self.node
        members = {channel: list(clients) for channel, clients in node.hub.presence._here.items() if channel != NODES}
        return {
            "connections": len(node.connections),
            "admitted": node.admitted,
            "users": node.clients.users,
            "deadlines": len(node.deadlines),
            "pinged": sum(map(len, node.heartbeat._ring)),
            "subscriptions": node.hub.statistics().subscriptions,
            "members": members,
        }

    async def refused(self, data):
        peer = self.wire()
        await peer.write(data)
        return await peer.read_response()


@asynccontextmanager
async def serve_place(*, broker=None, hooks=None, clock=time.time, application=None, **settings):
    """Serve a node over a memory broker for the block."""
    settings = Settings(**{"insecure": True, "namespaces": NAMESPACES} | settings)
    broker = broker or MemoryBroker(namespaces=settings.namespaces, limits=Limits.of(settings))
    async with trio.open_nursery() as nursery:
        node = Node(settings, broker, hooks or Hooks(), clock=clock)
        await nursery.start(broker.serve, node.hub)
        await nursery.start(node.hub.serve)
        nursery.start_soon(node.heartbeat.serve)
        nursery.start_soon(node.deadlines.serve)
        nursery.start_soon(node.control.serve)
        nursery.start_soon(node.posts.serve)
        if node.hooks.disconnected:
            nursery.start_soon(node.departures.serve)
            nursery.start_soon(LostNodes(node.uid, broker, node.departures, ttl=settings.presence_ttl).serve)
        place = Place(node, broker, nursery, application)
        try:
            yield place
        finally:
            for peer in place.peers:
                peer.stream.socket.close()
        nursery.cancel_scope.cancel()


NOTHING = {
    "connections": 0,
    "admitted": 0,
    "users": 0,
    "deadlines": 0,
    "pinged": 0,
    "subscriptions": 0,
    "members": {},
}
"""What is left where everybody has gone."""


@asynccontextmanager
async def serve_sdk_place(**settings):
    """Serve a node that asks for tokens, with Trio's clock."""
    async with serve_place(**{"insecure": False, "token_secret": SECRET, "clock": unix_time} | settings) as place:
        yield place
