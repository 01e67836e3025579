"""A node is one gateway process: what all its connections share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from importlib.metadata import version
from typing import TYPE_CHECKING
from uuid import uuid4

import trio

from trio_gateway.broker.broker import Broker
from trio_gateway.gateway.bans import Bans
from trio_gateway.gateway.control import Control
from trio_gateway.gateway.deadlines import Deadlines
from trio_gateway.gateway.heartbeat import Heartbeat
from trio_gateway.gateway.hooks import Hooks
from trio_gateway.gateway.key_source import KeySource
from trio_gateway.gateway.places import Places
from trio_gateway.hub.hub import Hub
from trio_gateway.session.tokens import Verifier
from trio_gateway.settings.settings import Settings
from trio_gateway.wire.centrifugo import CentrifugoCodec
from trio_gateway.wire.codec import Codec
from trio_gateway.wire.forwarded import parse_networks
from trio_gateway.wire.plain import PLAIN

if TYPE_CHECKING:
    from trio_gateway.gateway.connection import Connection

PLAIN_PATH = "/ws"
CENTRIFUGO_PATH = "/connection/websocket"


class Node:
    """Hold the settings, the hub, and the connections: those in their opening, and those accepted and not ended.

    `uid` names the node, `clock` gives Unix seconds. `codecs` are the wire protocols by path. `admitted`
    counts clients from the verdict on their request on, so that no more get in than may; `draining` says
    that a stop began, `dismissing` that everybody was told: who comes now is told at once.
    """

    def __init__(
        self, settings: Settings, broker: Broker, hooks: Hooks, *, clock: Callable[[], float] = time.time
    ) -> None:
        self.uid = str(uuid4())
        self.version = version("trio-gateway")
        self.settings = settings
        self.clock = clock
        self.broker = broker
        self.started = trio.current_time()
        self.hub = Hub(broker, settings.namespaces, settings.presence_ttl)
        self.hooks = hooks
        self.codecs: dict[str, Codec] = {PLAIN_PATH: PLAIN, CENTRIFUGO_PATH: CentrifugoCodec(self.version)}
        self.verifier = Verifier.of(settings, clock=clock)
        self.keys = KeySource.of(settings, self.verifier)
        self.bans = Bans(clock)
        self.control = Control(self)
        self.places = Places(self)
        self.heartbeat = Heartbeat(settings.ping_seconds, settings.pong_seconds)
        self.deadlines = Deadlines(clock)
        self.trusted_proxies = parse_networks(settings.trusted_proxies)
        self.openings: dict[trio.CancelScope, None] = {}
        self.connections: dict[Connection, None] = {}
        self.admitted = 0
        self.draining = False
        self.dismissing = False
        self._users: dict[str, dict[Connection, None]] = {}

    @property
    def sockets(self) -> int:
        """Count the sockets of clients, whatever their state."""
        return len(self.openings) + len(self.connections)

    @property
    def full(self) -> bool:
        """Tell whether no more clients are accepted."""
        return self.admitted >= self.settings.max_connections

    @property
    def users(self) -> int:
        """Count the different users that are connected (those who said not who they are count as one)."""
        return len(self._users)

    def clients_of(self, user: str) -> Iterable[Connection]:
        """List the connected clients of a user; of "", those who said not who they are."""
        return tuple(self._users.get(user, ()))

    def clients(self) -> Iterable[Connection]:
        """List all connected clients, those included that are being greeted."""
        return [client for clients in self._users.values() for client in clients]

    def add_client(self, connection: Connection, user: str) -> None:
        """Know a client as a user's."""
        self._users.setdefault(user, {})[connection] = None

    def remove_client(self, connection: Connection, user: str) -> None:
        """Know it no more."""
        clients = self._users.get(user, {})
        clients.pop(connection, None)
        if not clients:
            self._users.pop(user, None)
