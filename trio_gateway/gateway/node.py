"""A node is one gateway process: what all its connections share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from trio_gateway.broker.broker import Broker
from trio_gateway.gateway.heartbeat import Heartbeat
from trio_gateway.gateway.hooks import Hooks
from trio_gateway.hub.hub import Hub
from trio_gateway.settings.settings import Settings
from trio_gateway.wire.forwarded import parse_networks

if TYPE_CHECKING:
    from trio_gateway.gateway.connection import Connection


class Node:
    """Hold the settings, the hub, and the connections: those in their opening, and those accepted and not ended.

    `admitted` counts clients from the verdict on their request on, so that no more get in than may;
    `draining` says that a stop began, `dismissing` that everybody was told: who comes now is told at once.
    """

    def __init__(self, settings: Settings, broker: Broker, hooks: Hooks) -> None:
        self.settings = settings
        self.broker = broker
        self.hub = Hub(broker, settings.namespaces)
        self.hooks = hooks
        self.heartbeat = Heartbeat(settings.ping_seconds, settings.pong_seconds)
        self.trusted_proxies = parse_networks(settings.trusted_proxies)
        self.openings: dict[trio.CancelScope, None] = {}
        self.connections: dict[Connection, None] = {}
        self.admitted = 0
        self.draining = False
        self.dismissing = False
        self.started = trio.current_time()

    @property
    def sockets(self) -> int:
        """Count the sockets of clients, whatever their state."""
        return len(self.openings) + len(self.connections)

    @property
    def full(self) -> bool:
        """Tell whether no more clients are accepted."""
        return self.admitted >= self.settings.max_connections
