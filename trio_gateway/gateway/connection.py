"""One connection: its nursery holds the reader task and the Redis-poll writer task.

Whichever of the two ends cancels the other; then the connection task alone says the Close. Reader and
writer never close: they leave a verdict. Nothing a client does reaches beyond its own task.
"""

from __future__ import annotations

import random
import socket as stdlib_socket
from collections.abc import Callable
from uuid import uuid4

import trio

from trio_gateway.gateway.closing_handshake import close_among, close_websocket
from trio_gateway.gateway.node import Node
from trio_gateway.gateway.opening import Opened, judge, linger, read_head, refuse, store_away
from trio_gateway.gateway.requests import Requests
from trio_gateway.gateway.socket import ClientSocket
from trio_gateway.gateway.verdict import LOST, Verdict, broken_frame, said_by_client, said_by_gateway, verdict_of
from trio_gateway.hub.subscription import Subscriber, Subscription
from trio_gateway.model import codes
from trio_gateway.model.channel import inbox_of
from trio_gateway.model.codes import DisconnectCode
from trio_gateway.model.commands import Goodbye, Hello, Ping
from trio_gateway.model.errors import BrokerUnavailable, RequestError
from trio_gateway.model.logger import get_logger
from trio_gateway.model.position import Position
from trio_gateway.session.client import Client
from trio_gateway.session.session import Session
from trio_gateway.wire.frames import PING_FRAME, Opcode, pong_frame
from trio_gateway.wire.refusal import UpgradeRefused, refusal_of
from trio_gateway.wire.splitter import ControlFrame, FrameSplitter
from trio_gateway.wire.upgrade import accept_response

CLOSING_SECONDS = 5.0
"""What is half-written, the goodbye, the Close and the peer's answer all fit in this, or the link is dropped."""

STORE_RETRY_SECONDS = 1.0
"""A client that is behind polls again within this (jittered) while the store is away."""

log = get_logger(__name__)


async def serve_connection(node: Node, sock: stdlib_socket.socket, peer: str) -> None:
    """Serve one accepted TCP connection from its request head to its end; raises nothing but Cancelled."""
    scope = trio.CancelScope(deadline=trio.current_time() + node.settings.handshake_seconds)
    node.openings[scope] = None
    woken = Woken()
    socket = ClientSocket(sock, write_seconds=node.settings.write_seconds, wake=woken.set)
    try:
        with scope:
            await _open_and_run(node, socket, peer, woken, scope)
    except* (OSError, EOFError, trio.ClosedResourceError):
        log.debug("connection lost while opening", address=peer)
    except* Exception as group:
        log.error("connection failed", address=peer, exc_info=group)
    finally:
        if socket.half_written:
            socket.abort()  # the system would go on sending half a frame to somebody who does not read
        socket.close()
        node.openings.pop(scope, None)


async def _open_and_run(node: Node, socket: ClientSocket, peer: str, woken: Woken, scope: trio.CancelScope) -> None:
    try:
        opened = await judge(node, *await read_head(socket), peer)
    except UpgradeRefused as refused:
        await refuse(socket, refused)
        return
    node.admitted += 1  # without a checkpoint since it was judged that there is room
    try:
        await _attach_and_run(node, socket, opened, woken, scope)
    finally:
        node.admitted -= 1


async def _attach_and_run(
    node: Node, socket: ClientSocket, opened: Opened, woken: Woken, scope: trio.CancelScope
) -> None:
    connection = Connection(node, socket, opened, woken, scope)
    try:
        inbox = await connection.attach_inbox(opened.opening.since)
    except BrokerUnavailable as error:
        await refuse(socket, store_away(error))
    except RequestError as error:
        await refuse(socket, refusal_of(error))
    else:
        await connection.run(opened, inbox)


class Woken:
    """Let a writer task sleep until there is something to do."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event = trio.Event()

    def set(self) -> None:
        """Wake the writer task, now or at its next wait."""
        self._event.set()

    async def wait(self) -> None:
        """Sleep until woken; what wakes it later counts for the next wait."""
        await self._event.wait()
        self._event = trio.Event()


class Connection:
    """Hold one accepted client: its socket, its session, and how it ends."""

    __slots__ = (
        "_awaits_pong",
        "_codec",
        "_conversation",
        "_heard",
        "_idle",
        "_node",
        "_ping_frame",
        "_requests",
        "_scope",
        "_session",
        "_socket",
        "_splitter",
        "_subscriber",
        "_woken",
        "client",
        "verdict",
    )

    def __init__(self, node: Node, socket: ClientSocket, opened: Opened, woken: Woken, scope: trio.CancelScope) -> None:
        self.verdict: Verdict | None = None
        self.client = Client(str(uuid4()), opened.user, opened.opening.device or "", opened.address, opened.codec.name)
        self._node = node
        self._socket = socket
        self._codec = opened.codec
        self._ping_frame = opened.codec.encode(Ping()) if opened.opening.json_ping else PING_FRAME
        self._scope = scope
        self._woken = woken
        self._subscriber = Subscriber(socket, opened.codec, woken.set)
        self._splitter = FrameSplitter(node.settings.max_frame_size)
        self._conversation: trio.CancelScope
        self._heard = b""
        self._idle = False
        self._awaits_pong = False
        self._requests: Requests
        self._session: Session

    async def attach_inbox(self, since: Position | None) -> Subscription:
        """Prepare the subscription to the client's own inbox; raises BrokerUnavailable or a RequestError."""
        inbox = inbox_of(self.client.user.id)
        return await self._node.hub.subscribe(self._subscriber, inbox, since=since, device=self.client.device)

    async def run(self, opened: Opened, inbox: Subscription) -> None:
        """Accept the upgrade and serve the client until it is gone."""
        self._session = Session(
            self.client,
            self._node.settings,
            greeted=inbox.greeting,
            delivered=_delivered(inbox),
            answers_messages=self._node.hooks.on_message is not None,
        )
        self._requests = Requests(self._node, self._session, self._socket, self._subscriber, inbox)
        try:
            await self._greet(opened, inbox)
            self._scope.deadline = float("inf")
            await self._serve(opened.rest)
        finally:
            self._requests.end()

    def leave(self, disconnect: DisconnectCode) -> None:
        """End the connection with a close code: what was read is answered, then goodbye and Close."""
        self._decide(said_by_gateway(disconnect))
        if self._idle:
            self._conversation.cancel()

    def ping_nowait(self) -> None:
        """Ping the client, where its socket takes a frame now; a socket that does not has a deadline already."""
        self._session.ponged = False
        self._awaits_pong = self._socket.send_nowait(self._ping_frame, (self._ping_frame,)) == 1

    def check_pong(self) -> None:
        """End the connection where the last ping was not answered."""
        # While a request is carried out nobody reads, and the pong may be waiting in the socket.
        if self._awaits_pong and not self._session.ponged and self._idle:
            self.leave(codes.NO_PONG)
        self._awaits_pong = False

    async def _greet(self, opened: Opened, inbox: Subscription) -> None:
        """Answer the upgrade and say hello in one write, and start the inbox in the same step."""
        hello = Hello(self.client.user.id, self.client.id, self._node.settings.ping_seconds, inbox.greeting)
        await self._socket.send(accept_response(opened.key, opened.opening.subprotocol) + self._codec.encode(hello))
        inbox.start()

    async def _serve(self, early: bytes) -> None:
        """Run the two tasks, then close; the connection counts as accepted in between."""
        slot = self._node.heartbeat.add(self)
        del self._node.openings[self._scope]
        self._node.connections[self] = None
        if self._node.dismissing:
            self.leave(codes.SHUTDOWN)
        try:
            await self._converse(early)
            self._fall_silent(slot)
            await self._close()
        finally:
            del self._node.connections[self]
            self._node.heartbeat.remove(self, slot)

    def _fall_silent(self, slot: int) -> None:
        """Let neither the hub nor the heartbeat write any more: after a Close no frame may follow (RFC 6455 §5.5.1)."""
        self._requests.end()
        self._node.heartbeat.remove(self, slot)

    async def _converse(self, early: bytes) -> None:
        try:
            async with trio.open_nursery() as nursery:
                self._conversation = nursery.cancel_scope
                nursery.start_soon(self._read, early)
                nursery.start_soon(self._write)
        except* Exception as group:  # noqa: BLE001 - an application's hook may break with anything
            self._decide(verdict_of(group))

    async def _read(self, early: bytes) -> None:
        """Read, split and answer until a verdict falls, then end the writer: the reader task."""
        await self._take(early)
        while self.verdict is None:
            self._idle = True
            data = await self._socket.receive()
            self._idle = False
            if self.verdict is not None:
                # Told to leave in the same turn: what is begun now would take effect, and go unanswered.
                self._heard = close_among(self._splitter, data)
                break
            if not data:
                self._decide(LOST)
            await self._take(data)
        self._conversation.cancel()

    async def _take(self, data: bytes) -> None:
        texts: list[bytes] = []
        for received in self._splitter.receive(data):
            if not isinstance(received, ControlFrame):
                texts.append(received)
            elif received.opcode is Opcode.PONG:
                self._session.ponged = True
            else:
                await self._requests.answer(texts)
                texts = []
                await self._take_control(received)
        if texts:
            await self._requests.answer(texts)
        if self._splitter.violation is not None:
            self._decide(broken_frame(self._splitter.violation))

    async def _take_control(self, frame: ControlFrame) -> None:
        if frame.opcode is Opcode.CLOSE:
            self._decide(said_by_client(int.from_bytes(frame.payload[:2], "big") or 1005))
            self._heard = frame.raw
        else:
            await self._socket.send(pong_frame(frame.payload))

    async def _write(self) -> None:
        """Write what the hub left behind, woken when there is something: the Redis-poll writer task."""
        while True:
            await self._woken.wait()
            await self._socket.flush()
            while self._subscriber.behind:
                reached = [await self._poll(subscription) for subscription in tuple(self._subscriber.behind)]
                await self._socket.flush()
                if not all(reached):
                    await self._rest()
                await trio.lowlevel.checkpoint()

    async def _poll(self, subscription: Subscription) -> bool:
        """Bring one page to a subscription; False where the store was needed and away."""
        try:
            await self._node.hub.catch_up.poll(subscription, self._socket.send)
        except BrokerUnavailable:
            subscription.behind_since = trio.current_time()  # the store is slow, not the client
            return False
        return True

    async def _rest(self) -> None:
        """Wait for the store, but write what the hub leaves half-written meanwhile."""
        until = trio.current_time() + random.uniform(0, STORE_RETRY_SECONDS)  # noqa: S311 - jitter, not a secret
        while trio.current_time() < until:
            with trio.move_on_at(until):
                await self._woken.wait()
            await self._socket.flush()  # outside the deadline: a write is never cut

    def _decide(self, verdict: Verdict) -> None:
        """Leave a verdict; the first one counts, and from then on there are CLOSING_SECONDS."""
        if self.verdict is None:
            self.verdict = verdict
            self._scope.deadline = trio.current_time() + CLOSING_SECONDS

    async def _close(self) -> None:
        verdict = self.verdict or LOST
        log.debug("connection ended", client=self.client.id, code=verdict.disconnect.code)
        if verdict.said is None:
            return
        try:
            if verdict.goodbye:
                goodbye = Goodbye(verdict.said.code, verdict.said.reason, verdict.reconnect_ms)
                await self._socket.send(self._codec.encode(goodbye))
            await close_websocket(
                self._socket, self._splitter, verdict.said, heard=self._heard, answered=verdict.answered
            )
            if not verdict.answered:
                await linger(self._socket)
        except (OSError, trio.ClosedResourceError):
            log.debug("connection lost while closing", client=self.client.id)


def _delivered(inbox: Subscription) -> Callable[[], Position]:
    return lambda: inbox.position
