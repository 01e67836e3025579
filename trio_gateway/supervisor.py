"""The nursery tree is the architecture: what runs, in which order it starts, and in which it stops.

    supervisor nursery
    |- embedded Valkey (only without a redis_url)     stops last, with its data on disk
    |- broker: commands, feed, probe
    |- hub: recovery, acks, idle topics               pending acks are written before the broker stops
    |- operations server: health, the page to try it  answers until the last client has gone
    `- client server                                  stops first
        `- connections nursery
            |- accepting nursery
            `- per client: the connection task; in its outer nursery the library's reader, in its
               inner one the connection nursery: reader task + Redis-poll writer task
"""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import structlog
import trio

from trio_gateway.admin.app import make_app
from trio_gateway.admin.server import serve_admin
from trio_gateway.broker.broker import Broker
from trio_gateway.broker.redis.broker import RedisBroker
from trio_gateway.embedded.valkey import EmbeddedValkey
from trio_gateway.gateway.drain import drain
from trio_gateway.gateway.hooks import Hooks
from trio_gateway.gateway.node import Node
from trio_gateway.gateway.server import ClientServer
from trio_gateway.model.errors import ConfigurationError
from trio_gateway.settings.settings import Settings

FLUSH_SECONDS = 3.0
"""For pending acks at the end; what is not written by then comes again to its device."""

log = structlog.get_logger(__name__)


class Supervisor:
    """Start services one after another in one nursery, and stop them in the opposite order."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self._services: list[tuple[trio.CancelScope, trio.Event]] = []

    async def start(self, serve: Callable[..., Awaitable[Any]], *args: object) -> Any:
        """Start a service and wait until it reports as started; answers what it reported."""
        scope, ended = trio.CancelScope(), trio.Event()
        self._services.append((scope, ended))
        return await self._nursery.start(_run, scope, ended, serve, args)

    async def stop_last(self) -> None:
        """Stop the service that was started last and wait until it has ended."""
        scope, ended = self._services.pop()
        scope.cancel()
        await ended.wait()

    async def stop(self) -> None:
        """Stop every service, the last one first."""
        while self._services:
            await self.stop_last()
