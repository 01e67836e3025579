"""Before it is connected, a client may do one thing: connect. Everything else ends its connection (protocol §1.3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from trio_gateway.gateway.commands.requests import Requests
from trio_gateway.gateway.nodes.node import Node
from trio_gateway.gateway.opening.entering import Arrival, Entered, enter
from trio_gateway.gateway.opening.identifying import refused_plain
from trio_gateway.gateway.opening.opening import Opened
from trio_gateway.gateway.transport.socket import ClientSocket
from trio_gateway.hooks.asking import ask_who
from trio_gateway.hooks.headers import choose_emulated
from trio_gateway.hooks.requests import ConnectRequest
from trio_gateway.hub.subscription import Subscriber
from trio_gateway.model.codes import (
    CONNECTION_EXPIRED,
    CONNECTION_LIMIT,
    INTERNAL_SERVER_ERROR,
    NOT_PERMITTED,
    REQUEST_BROKEN,
    REQUESTS_TOO_MANY,
    DisconnectCode,
)
from trio_gateway.model.commands import Command, Connect
from trio_gateway.model.errors import (
    BrokerUnavailable,
    Disconnected,
    Expired,
    LimitExceeded,
    PermissionDenied,
    RequestError,
    TokenExpired,
    TooManyRequests,
)
from trio_gateway.model.replies import Error
from trio_gateway.session.client import Client
from trio_gateway.session.connecting import Admission, admit, check_admission, device_in
from trio_gateway.session.session import refusal


async def enter_plain(node: Node, opened: Opened, subscriber: Subscriber) -> Entered:
    """Let a client of the plain protocol in, which said at the upgrade who it is.

    Raises BrokerUnavailable, or the RequestError that refuses the upgrade.
    """
    admission, plain = opened.admission, opened.plain
    assert admission is not None, "the opening has identified it"
    assert plain is not None, "the opening has read what it asks for"
    client = admission.of_client(opened.client)
    ping = node.settings.ping_seconds
    arrival = Arrival(client=client, admission=admission, since=plain.since, ping=ping, strict=False)
    try:
        return await enter(node, arrival, subscriber)
    except Disconnected as kept_out:
        raise refused_plain(kept_out) from kept_out


_DISCONNECTS: dict[type[Exception], DisconnectCode] = {
    TokenExpired: CONNECTION_EXPIRED,
    Expired: CONNECTION_EXPIRED,
    TooManyRequests: REQUESTS_TOO_MANY,
    PermissionDenied: NOT_PERMITTED,
}
"""What an error comes to for clients that can't be answered (protocol §12); every other one is 3004."""


class Connecting:
    """Wait for a client's connect, and hand over to its requests then.

    `session` is what the client is told to send commands by from outside its connection, empty for nothing.
    `take` makes the requests of one who entered; from then on they are the connection's.
    """

    __slots__ = ("_failed", "_node", "_opened", "_session", "_socket", "_subscriber", "_take")

    def __init__(
        self,
        node: Node,
        opened: Opened,
        socket: ClientSocket,
        subscriber: Subscriber,
        *,
        session: str,
        take: Callable[[Entered], Requests],
    ) -> None:
        self._node = node
        self._opened = opened
        self._socket = socket
        self._subscriber = subscriber
        self._session = session
        self._take = take
        self._failed = False

    async def carry_out(self, commands: Sequence[Command | Error]) -> None:
        """Carry out a connect and what follows it.

        Raises Disconnected for anything else, and what sending raises.
        """
        for place, command in enumerate(commands, 1):
            if self._failed or not isinstance(command, Connect):
                raise Disconnected(REQUEST_BROKEN)
            requests = await self._connect(command)
            if requests is not None:
                await requests.carry_out(commands[place:])
                return

    async def _connect(self, command: Connect) -> Requests | None:
        """Let the client in; None where it was refused, and can only go then."""
        try:
            entered = await self._enter(command)
        except (RequestError, BrokerUnavailable) as error:
            if self._opened.endpoint.one_way:
                raise Disconnected(_DISCONNECTS.get(type(error), INTERNAL_SERVER_ERROR)) from error
            self._failed = True
            await self._socket.send(self._subscriber.codec.encode(refusal(command.ref, error)))
            return None
        requests = self._take(entered)
        await self._socket.send(self._subscriber.codec.encode(entered.connected))
        entered.start()
        await requests.join_all()
        return requests

    async def _enter(self, command: Connect) -> Entered:
        node = self._node
        emulated = choose_emulated(command.headers, node.hooks.emulated_headers)
        client = attrs.evolve(self._opened.client, emulated_headers=emulated)
        admission = await self._admit(command, client)
        arrival = Arrival(
            client=admission.of_client(client),
            admission=admission,
            ref=command.ref,
            positions=command.positions,
            ping=node.settings.ping_seconds if self._opened.json_ping else 0,
            strict=True,
            session=self._session,
        )
        try:
            return await enter(node, arrival, self._subscriber)
        except LimitExceeded as error:
            raise Disconnected(CONNECTION_LIMIT) from error

    async def _admit(self, command: Connect, client: Client) -> Admission:
        """Find out who the client is: from the application where it says so, else from the token."""
        node, opened = self._node, self._opened
        if not node.asks_who(command.token):
            return await node.keys.check(
                lambda: admit(command, node.settings, node.verifier, opened.user, node.clock())
            )
        request = ConnectRequest(
            client=client,
            http=opened.request,
            raw=command.data,
            name=command.name,
            version=command.version,
            channels=tuple(command.positions),
        )
        admission = await ask_who(node.hooks, request, device_in(command.data))
        return check_admission(admission, node.settings, node.clock())
