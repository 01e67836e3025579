"""A node is one gateway process: what all its connections share."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.metadata import version
from uuid import uuid4

import trio

from trio_gateway.broker.broker import Broker
from trio_gateway.gateway.admission.bans import Bans
from trio_gateway.gateway.admission.key_source import KeySource
from trio_gateway.gateway.admission.places import Places
from trio_gateway.gateway.http.endpoints import make_endpoints
from trio_gateway.gateway.nodes.clients import Clients, ConnectedClient
from trio_gateway.gateway.nodes.control import Control
from trio_gateway.gateway.nodes.deadlines import Deadlines
from trio_gateway.gateway.nodes.departures import Departures
from trio_gateway.gateway.nodes.heartbeat import Heartbeat
from trio_gateway.gateway.nodes.posts import Posts
from trio_gateway.gateway.nodes.survey import Surveys
from trio_gateway.gateway.transport.stream import Streams
from trio_gateway.hooks.hooks import Hooks
from trio_gateway.hub.hub import Hub
from trio_gateway.session.tokens import Verifier
from trio_gateway.settings.settings import Settings
from trio_gateway.wire.forwarded import parse_networks

SPARE_SOCKETS = 1024
"""Sockets beyond `max_connections`: in their opening, in a request, or kept for the next one. More are closed unread."""


class Node:
    """Hold the settings, the hub, and the connections: those in their opening, and those accepted and not ended.

    `uid` names the node, `clock` gives Unix seconds. `clients` are those that entered, `streams` those of them that send
    commands from outside. `admitted` counts clients from the verdict on their request on, so that no more get in than may; `draining` says
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
        self.endpoints = make_endpoints(self.version)
        self.streams: Streams = {}
        self.verifier = Verifier.of(settings, clock=clock)
        self.keys = KeySource.of(settings, self.verifier)
        self.bans = Bans(clock)
        self.clients = Clients()
        surveys = Surveys(self.uid, self.version, self.hub, broker, self.clients)
        self.control = Control(self.hub, broker, self.bans, clients=self.clients, surveys=surveys, clock=clock)
        self.posts = Posts(self.uid, self.hub, broker, self.streams)
        self.departures = Departures(
            self.uid,
            broker,
            hooks.disconnected,
            max_connections=settings.max_connections,
            ttl=settings.presence_ttl,
        )
        self.places = Places(self.uid, self.hub, broker, self.control.nodes)
        self.heartbeat = Heartbeat(settings.ping_seconds, settings.pong_seconds)
        self.deadlines = Deadlines(clock)
        self.trusted_proxies = parse_networks(settings.trusted_proxies)
        self.openings: dict[trio.CancelScope, None] = {}
        self.connections: dict[ConnectedClient, None] = {}
        self.admitted = 0
        self.draining = False
        self.dismissing = False

    @property
    def sockets(self) -> int:
        """Count the sockets of clients, whatever their state."""
        return len(self.openings) + len(self.connections)

    @property
    def crowded(self) -> bool:
        """Tell whether no socket is kept for a next request any more: those would keep out who comes with one."""
        return len(self.openings) >= SPARE_SOCKETS // 2

    def asks_who(self, token: str | None) -> bool:
        """Tell whether the application says who a client is: by its `connect` hook, where no token can be judged here."""
        return self.hooks.connect is not None and (token is None or not self.verifier.is_configured)

    @property
    def full(self) -> bool:
        """Tell whether no more clients are accepted."""
        return self.admitted >= self.settings.max_connections
