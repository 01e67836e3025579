"""The nursery tree is the architecture: what runs, in which order it starts, and in which it stops.

supervisor nursery
|- embedded Valkey (only without a redis_url)     stops last, with its data on disk
|- broker: commands, feed, probe
|- hub: recovery, acks, presence, idle topics     what is pending is written before the broker stops
|- keys of the tokens' issuer (only with a URL)
|- back end that hooks are asked of (only with a URL)
|- control: what nodes ask of each other
|- posts: what nodes hand to each other's clients
|- departures, lost nodes (only with the hook `disconnected`)
|- operations server: health, the HTTP API, pages  answers until the last client has gone
`- client server                                  stops first
    `- connections nursery
        |- accepting nursery
        `- per client: the connection task; first in it the connection nursery, reader task +
           Redis-poll writer task, then a nursery for the library's reader, until the Close is answered
"""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import trio

from trio_gateway.admin.app import make_app
from trio_gateway.admin.health_routes import health_routes
from trio_gateway.admin.listening import bind
from trio_gateway.admin.server import serve_admin
from trio_gateway.api.routes import make_routes
from trio_gateway.api.server_api import ServerApi
from trio_gateway.broker.broker import Broker
from trio_gateway.embedded.valkey import EmbeddedValkey
from trio_gateway.gateway.drain import drain
from trio_gateway.gateway.nodes.lost_nodes import LostNodes
from trio_gateway.gateway.nodes.node import Node
from trio_gateway.gateway.server import ClientServer
from trio_gateway.hooks.hooks import Hooks
from trio_gateway.model.errors import ConfigurationError
from trio_gateway.model.logger import get_logger
from trio_gateway.public.app import make_public_app
from trio_gateway.running import Gateway, make_broker, make_try_page
from trio_gateway.settings.settings import Settings

if TYPE_CHECKING:
    from trio_gateway.hooks.http.back_end import BackEnd

FLUSH_SECONDS = 2.0
"""For pending acks at the end; what is not written by then comes again to its device."""

READY_SECONDS = 3.0
"""For the store at the start: the next line that somebody types is a publish."""

log = get_logger(__name__)


@asynccontextmanager
async def open_gateway(
    settings: Settings, *, hooks: Hooks | None = None, broker: Broker | None = None
) -> AsyncIterator[Gateway]:
    """Run a gateway for as long as the block lasts; leaving it drains, and returns when the last client has gone.

    Without a `broker` (such as a MemoryBroker) it is Redis at `settings.redis_url`, or an embedded
    Valkey. Both sockets are bound before anything starts. Raises StartFailed when a port or a Valkey
    can't be had, ConfigurationError when the settings let nobody in.
    """
    back_end = _make_back_end(settings)
    hooks = back_end.behind(hooks or Hooks()) if back_end else hooks or Hooks()
    _check_hooks(settings, hooks)
    clients, operators = bind(settings)
    with clients, operators:
        async with trio.open_nursery() as nursery:
            supervisor = Supervisor(nursery)
            valkey = None
            if broker is None:
                url = settings.redis_url
                if url is None:
                    valkey = EmbeddedValkey(settings.data_directory, appendfsync=settings.appendfsync)
                    url = await supervisor.start(valkey.serve)
                broker = make_broker(settings, url)
            node = Node(settings, broker, hooks)
            gateway = Gateway(node, clients, operators, valkey, back_end)
            await supervisor.start(broker.serve, node.hub)
            await supervisor.start(node.hub.serve)
            await supervisor.start(node.keys.serve)
            if back_end:
                await supervisor.start(back_end.serve)
            await supervisor.start(node.control.serve)
            await supervisor.start(node.posts.serve)
            if hooks.disconnected:
                await supervisor.start(node.departures.serve)
                await supervisor.start(LostNodes(node.uid, broker, node.departures, ttl=settings.presence_ttl).serve)
            api = make_routes(ServerApi(settings, broker, node.control), settings)
            app = make_app(gateway.health, make_try_page(settings, gateway.port), *api)
            await supervisor.start(serve_admin, app, operators)
            health = health_routes(gateway.health) if settings.public_health else ()
            server = ClientServer(node, clients, make_public_app(node, *health))
            await supervisor.start(server.serve)
            yield gateway
            await _stop(supervisor, server, gateway)


def _make_back_end(settings: Settings) -> BackEnd | None:
    if not any(settings.back_end.given()):
        return None
    from trio_gateway.hooks.http.back_end import BackEnd  # noqa: PLC0415 (httpx takes its time to import)

    return BackEnd(settings.back_end)


def _check_hooks(settings: Settings, hooks: Hooks) -> None:
    """Raise ConfigurationError where nobody could connect, or a namespace counts on a hook that is not there."""
    says_who = settings.verifies_tokens or hooks.connect or hooks.authenticate
    if not (says_who or settings.insecure or settings.allow_anonymous_connect_without_token):
        raise ConfigurationError(
            "nobody could connect: set token_secret (or other keys for tokens), [hooks.connect] or insecure, or give a connect or authenticate hook"
        )
    settings.namespaces.check_hooks(hooks.given())


async def _stop(supervisor: Supervisor, server: ClientServer, gateway: Gateway) -> None:
    """Stop in the order of the tree: ready turns red, accepting ends, clients go, acks are written, then the rest."""
    gateway.node.draining = True
    log.info("draining", connections=len(gateway.node.connections))
    server.stop_accepting()
    await drain(gateway.node, gateway.node.settings.drain_seconds)
    await supervisor.stop_last()
    with trio.move_on_after(FLUSH_SECONDS):
        await gateway.node.hub.flush()
        await gateway.node.departures.flush()
    await supervisor.stop()
    log.info("stopped")


async def serve_gateway(settings: Settings, *, on_open: Callable[[Gateway], None]) -> None:
    """Serve until SIGTERM or SIGINT, then drain; a second signal ends at once, as does one while it starts.

    Calls `on_open` when clients can connect: once the store is ready, or after a moment without it;
    the gateway's health tells. Raises as `open_gateway` does.
    """
    async with trio.open_nursery() as nursery:
        opened, stopping = trio.Event(), trio.Event()
        await nursery.start(_watch_signals, opened, stopping, nursery.cancel_scope)
        async with open_gateway(settings) as gateway:
            opened.set()
            async with trio.open_nursery() as announcing:
                announcing.start_soon(_announce, gateway, on_open)
                await stopping.wait()
                announcing.cancel_scope.cancel()
        nursery.cancel_scope.cancel()


async def _announce(gateway: Gateway, on_open: Callable[[Gateway], None]) -> None:
    with trio.move_on_after(READY_SECONDS) as patience:
        await gateway.wait_ready()
    on_open(gateway)
    if patience.cancelled_caught:
        await gateway.wait_ready()
        log.info("ready")


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


async def _run(
    scope: trio.CancelScope,
    ended: trio.Event,
    serve: Callable[..., Awaitable[Any]],
    args: tuple[object, ...],
    task_status: trio.TaskStatus[Any] = trio.TASK_STATUS_IGNORED,
) -> None:
    try:
        with scope:
            await serve(*args, task_status=task_status)
    finally:
        ended.set()


async def _watch_signals(
    opened: trio.Event,
    stopping: trio.Event,
    everything: trio.CancelScope,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        async for _ in signals:
            if stopping.is_set():
                log.warning("second signal: ending at once")
                everything.cancel()
            elif not opened.is_set():
                log.info("stopped while starting")
                everything.cancel()
            stopping.set()
