"""A running gateway, as the application that embeds it sees it, and what it is put together from."""

from __future__ import annotations

import shlex
import socket
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec
import trio

from trio_gateway.admin.health import NodeHealth
from trio_gateway.admin.try_page import TryPage
from trio_gateway.broker.limits import Limits
from trio_gateway.broker.redis.broker import RedisBroker
from trio_gateway.embedded.valkey import EmbeddedValkey
from trio_gateway.gateway.nodes.node import Node
from trio_gateway.model.channel import inbox_of
from trio_gateway.model.errors import ConfigurationError
from trio_gateway.model.position import Position
from trio_gateway.model.reason import reason_of
from trio_gateway.session.tokens import make_token
from trio_gateway.settings.data_directory import read_development_secret
from trio_gateway.settings.program import program_name
from trio_gateway.settings.settings import Settings

if TYPE_CHECKING:
    from trio_gateway.hooks.http.back_end import BackEnd
    from trio_gateway.hooks.http.statistics import HookStatistics

TRY_PAGE_TOKEN_SECONDS = 24 * 3600
POLL_SECONDS = 0.02


class Gateway:
    """Publish from inside the application, and see how the node stands."""

    def __init__(
        self,
        node: Node,
        clients: socket.socket,
        operators: socket.socket,
        valkey: EmbeddedValkey | None,
        back_end: BackEnd | None,
    ) -> None:
        self.node = node
        self.port: int = clients.getsockname()[1]
        self.admin_port: int = operators.getsockname()[1]
        self._valkey = valkey
        self._back_end = back_end

    async def send_to_user(self, user: str, data: object, *, id: str = "") -> Position:
        """Publish in a user's inbox; `data` is anything that JSON can say. Raises as `publish` does."""
        return await self.publish(inbox_of(user), data, id=id)

    async def publish(self, channel: str, data: object, *, id: str = "") -> Position:
        """Publish in a channel; with an `id` a repeat within 5 minutes changes nothing.

        Raises a RequestError (nothing happened) or BrokerUnavailable (unknown: repeat with the same id).
        """
        return await self.node.broker.publish(channel, msgspec.json.encode(data), id=id)

    async def wait_ready(self) -> None:
        """Wait until the store can be used both ways, however long that takes."""
        while self.node.broker.health().reasons:  # noqa: ASYNC110 - the broker's health is read, never told
            await trio.sleep(POLL_SECONDS)

    def hooks(self) -> Mapping[str, HookStatistics]:
        """Show, for each hook that a back end answers over HTTP, what came of it on this node."""
        return self._back_end.statistics() if self._back_end else {}

    def health(self) -> NodeHealth:
        """Show how the node stands now."""
        return NodeHealth(
            version=version("trio-gateway"),
            uptime=trio.current_time() - self.node.started,
            connections=len(self.node.connections),
            subscriptions=self.node.hub.statistics().subscriptions,
            broker=self.node.broker.health(),
            draining=self.node.draining,
            valkey=self._valkey.health() if self._valkey else None,
            hooks=self.hooks(),
        )


def make_broker(settings: Settings, url: str) -> RedisBroker:
    """Make the broker of a node with a new name; raises ConfigurationError when the URL can't be used."""
    try:
        return RedisBroker(
            url,
            prefix=settings.redis_prefix,
            namespaces=settings.namespaces,
            limits=Limits.of(settings),
            node=uuid4().hex[:12],
        )
    except (ValueError, OSError) as error:  # a parameter of the URL, or a certificate that it names
        raise ConfigurationError(f"--redis-url: expected a URL that can be used ({reason_of(error)})") from error


def make_try_page(settings: Settings, port: int) -> TryPage:
    """Make the page to try it; it may make tokens only where the secret was made up for development."""
    secret = settings.token_secret
    made_up = secret is not None and secret == read_development_secret(settings.data_directory)
    return TryPage(
        host=settings.host,
        port=port,
        make_token=(lambda user: make_token(secret, user, TRY_PAGE_TOKEN_SECONDS)) if made_up and secret else None,
        insecure=settings.insecure,
        program=program_name(),
        options=f"--data-dir {shlex.quote(str(settings.data_dir))}" if settings.data_dir else "",
    )
