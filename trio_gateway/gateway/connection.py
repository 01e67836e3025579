"""One connection: its nursery holds the reader task and the Redis-poll writer task.

Whichever of the two ends cancels the other; then the connection task alone says the Close. Reader and
writer never close: they leave a verdict. Nothing a client does reaches beyond its own task.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import trio

from trio_gateway.gateway.commands.orders import Orders
from trio_gateway.gateway.commands.requests import Requests
from trio_gateway.gateway.connecting import Connecting, enter_plain
from trio_gateway.gateway.nodes.node import Node
from trio_gateway.gateway.opening.entering import Entered
from trio_gateway.gateway.opening.opening import Opened
from trio_gateway.gateway.transport.socket import ClientSocket
from trio_gateway.gateway.transport.stream import new_session
from trio_gateway.gateway.transport.transport import Echo, Received, Transport
from trio_gateway.gateway.transport.verdict import LOST, Verdict, said_by_gateway, verdict_of
from trio_gateway.gateway.writer import Writer
from trio_gateway.hub.subscription import Subscriber, Subscription
from trio_gateway.hub.woken import Woken
from trio_gateway.model import codes
from trio_gateway.model.codes import DisconnectCode
from trio_gateway.model.commands import Pong
from trio_gateway.model.directives import AnyDirective, DisconnectUser, RefreshUser, SubscribeUser, UnsubscribeUser
from trio_gateway.model.logger import get_logger
from trio_gateway.model.replies import Goodbye
from trio_gateway.session.connecting import Admission

CLOSING_SECONDS = 5.0
"""What is half-written, the goodbye, the Close and the peer's answer all fit in this, or the link is dropped."""

log = get_logger(__name__)


class Connection:
    """Hold one accepted client: its socket, what it has once it entered, and how it ends.

    `session` is the secret by which commands reach the client from outside, or a back end names it; empty for none.
    """

    __slots__ = (
        "_awaits_pong",
        "_codec",
        "_conversation",
        "_entered",
        "_idle",
        "_node",
        "_opened",
        "_orders",
        "_requests",
        "_scope",
        "_slot",
        "_socket",
        "_stale_at",
        "_subscriber",
        "_transport",
        "_writer",
        "client_id",
        "session",
        "verdict",
    )

    def __init__(
        self,
        node: Node,
        socket: ClientSocket,
        transport: Transport,
        opened: Opened,
        *,
        woken: Woken,
        scope: trio.CancelScope,
    ) -> None:
        self.verdict: Verdict | None = None
        self.client_id = opened.client.id
        # Who is not heard learns one as well, which only a back end can use (protocol §12).
        self.session = transport.session or (new_session() if opened.endpoint.unidirectional else "")
        self._node = node
        self._socket = socket
        self._opened = opened
        self._codec = codec = opened.endpoint.codec
        self._transport = transport
        self._scope = scope
        self._stale_at = scope.deadline
        self._subscriber = Subscriber(socket, codec, woken.set)
        self._conversation: trio.CancelScope
        self._idle = False
        self._awaits_pong = False
        self._entered: Entered | None = None
        self._slot: int
        self._requests: Requests | Connecting = Connecting(
            node, opened, socket, self._subscriber, session=self.session, take=self._take
        )
        self._orders: Orders
        self._writer = Writer(node.hub.catch_up, self._subscriber, socket, woken, self._begin_anew)

    @property
    def admission(self) -> Admission | None:
        """Give who was let in; None before, and once the client is gone."""
        return None if self._entered is None else self._entered.admission

    async def accept(self) -> None:
        """Accept the request; a client of the plain protocol enters before that, and is greeted in the same write.

        Raises BrokerUnavailable, or the RequestError that refuses it.
        """
        accepted = self._transport.accept()
        if self._opened.admission is None:
            await self._socket.send(accepted)
            return
        entered = await enter_plain(self._node, self._opened, self._subscriber)
        requests = self._take(entered)
        await self._socket.send(accepted + self._codec.encode(entered.connected))
        entered.start()
        if entered.present:
            self._writer.do_soon(requests.join_all)

    async def run(self) -> None:
        """Run the two tasks, then close; the connection counts as accepted in between."""
        if self.verdict is None:  # one that fell while it was greeted has set the deadline
            self._scope.deadline = float("inf")
        del self._node.openings[self._scope]
        self._node.connections[self] = None
        if self._node.dismissing:
            self.leave(codes.SHUTDOWN)
        if self._opened.unspoken:
            self.leave(codes.INAPPROPRIATE_PROTOCOL)
        try:
            await self._converse()
            self.end()  # neither the hub nor the heartbeat writes any more: after a Close no frame may follow (RFC 6455 §5.5.1)
            await self._close()
        finally:
            del self._node.connections[self]

    def end(self) -> None:
        """Give up all that the client has on this node; does nothing the second time."""
        self._transport.end()
        entered, self._entered = self._entered, None
        if entered is not None:
            entered.end()
            self._node.clients.remove(self, entered.session.client.user.id)
            self._node.heartbeat.remove(self, self._slot)
            self._node.deadlines.discard(self)
            self._node.departures.end_nowait(entered.session.client, (self.verdict or LOST).disconnect)

    def leave(self, disconnect: DisconnectCode) -> None:
        """End the connection with a close code: what was read is answered, then goodbye and Close."""
        self._decide(said_by_gateway(disconnect))
        if self._idle:
            self._conversation.cancel()

    def obey(self, directive: AnyDirective) -> None:
        """Do to this client what a directive says: at once, or soon in its writer task."""
        match directive:
            case DisconnectUser(code=code, reason=reason):
                self.leave(DisconnectCode(code, reason))
            case RefreshUser():
                self._refresh(directive)
            case SubscribeUser():
                self._writer.do_soon(partial(self._orders.subscribe, directive))
            case UnsubscribeUser(channel=channel):
                self._writer.do_soon(partial(self._orders.unsubscribe, channel, codes.SERVER_UNSUBSCRIBE))

    def check_expiry(self) -> None:
        """See what has expired, and set the next deadline."""
        if self._entered is None:
            return
        session = self._entered.session
        if session.expired:
            if not session.refreshed_by_server:
                self.leave(codes.CONNECTION_EXPIRED)
                return
            session.expire_at = self._orders.next_try()
            self._writer.do_soon(self._orders.refresh)
        for channel, held in session.channels.expired():
            if held.terms.refreshed_by_server:
                held.expire_at = self._orders.next_try()
                self._writer.do_soon(partial(self._orders.refresh_subscription, channel))
                continue
            if held.terms.by_server:
                self.leave(codes.SUBSCRIPTION_EXPIRED)
                return
            self._writer.do_soon(partial(self._orders.end_expired, channel))
        self._node.deadlines.set(self, session.due)

    def ping_nowait(self) -> None:
        """Ping the client, where its socket takes a frame now; a socket that does not has a deadline already."""
        if self._entered is not None:
            ping = self._transport.ping
            sent = self._socket.send_nowait(ping, (ping,)) == 1
            if sent and self._transport.answers_pings:
                self._entered.session.note_ping()
                self._awaits_pong = True

    def check_pong(self) -> None:
        """End the connection where the last ping was not answered."""
        # While a request is carried out nobody reads, and the pong may be waiting in the socket.
        if self._awaits_pong and self._entered is not None and not self._entered.session.ponged and self._idle:
            self.leave(codes.NO_PONG)
        self._awaits_pong = False

    def _take(self, entered: Entered) -> Requests:
        """Hold what a client has that entered, and answer its requests from now on."""
        self._entered = entered
        self._requests = Requests(self._node, entered, self._socket, self._codec, self.check_expiry)
        self._orders = Orders(self._node, entered, self._requests, self._socket, self._codec)
        self._node.clients.add(self, entered.session.client.user.id)
        self._slot = self._node.heartbeat.add(self)
        self._node.deadlines.set(self, entered.session.due)
        return self._requests

    def _refresh(self, directive: RefreshUser) -> None:
        if self._entered is None:
            return
        if directive.expired:
            self.leave(codes.CONNECTION_EXPIRED)
            return
        self._entered.session.expire_at = directive.expire_at
        self.check_expiry()
        self._writer.do_soon(self._orders.tell_refreshed)

    async def _begin_anew(self, subscription: Subscription) -> None:
        await self._orders.begin_anew(subscription)

    async def _converse(self) -> None:
        try:
            async with trio.open_nursery() as nursery:
                self._conversation = nursery.cancel_scope
                nursery.start_soon(self._read)
                nursery.start_soon(self._writer.write)
                await self._transport.watch()
        except* Exception as group:  # noqa: BLE001 - an application's hook may break with anything
            self._decide(verdict_of(group))

    async def _read(self) -> None:
        """Read, and answer until a verdict falls, then end the writer: the reader task."""
        if self._opened.commands:
            await self._requests.carry_out(self._opened.commands)
        await self._take_all(self._transport.begin())
        while self.verdict is None:
            self._idle = True
            received = await self._receive()
            self._idle = False
            if self.verdict is not None:
                # Told to leave in the same turn: what is begun now would take effect, and go unanswered.
                self._transport.drop(received)
                break
            await self._take_all(received)
        if self.verdict.goodbye:
            await self._take_all(self._transport.rest())
        self._conversation.cancel()

    async def _receive(self) -> Iterable[Received]:
        """Hear what the client says next; one that does not connect in time is stale."""
        if self._entered is not None:
            return await self._transport.read()
        with trio.move_on_at(self._stale_at):
            return await self._transport.read()
        self._decide(said_by_gateway(codes.STALE))
        return ()

    async def _take_all(self, received: Iterable[Received]) -> None:
        texts: list[bytes] = []
        for one in received:
            if isinstance(one, bytes):
                texts.append(one)
            elif isinstance(one, Pong):
                self._note_pong()
            else:
                await self._answer(texts)
                texts = []
                await self._take_aside(one)
        if texts:
            await self._answer(texts)

    async def _answer(self, texts: Iterable[bytes]) -> None:
        decode = self._codec.decode
        await self._requests.carry_out([command for text in texts for command in decode(text)])

    async def _take_aside(self, received: Echo | Verdict) -> None:
        if isinstance(received, Verdict):
            self._decide(received)
        else:
            await self._socket.send(received.data)

    def _note_pong(self) -> None:
        if self._entered is not None:
            self._entered.session.ponged = True

    def _decide(self, verdict: Verdict) -> None:
        """Leave a verdict; the first one counts, and from then on there are CLOSING_SECONDS."""
        if self.verdict is None:
            self.verdict = verdict
            self._scope.deadline = trio.current_time() + CLOSING_SECONDS

    async def _close(self) -> None:
        verdict = self.verdict or LOST
        log.debug("connection ended", client=self.client_id, code=verdict.disconnect.code)
        try:
            await self._transport.close(verdict, self._goodbye(verdict) if verdict.goodbye else b"")
        except (OSError, trio.ClosedResourceError):
            log.debug("connection lost while closing", client=self.client_id)

    def _goodbye(self, verdict: Verdict) -> bytes:
        """Write the wire protocol's own goodbye; b"" where it has none."""
        return self._codec.encode(Goodbye(verdict.disconnect.code, verdict.disconnect.reason, verdict.reconnect_ms))
