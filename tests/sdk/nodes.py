"""Gateways for the SDKs: real ones with every namespace that the tests need, their HTTP API, and tokens for them."""

from __future__ import annotations

import itertools
import time
from functools import partial
from pathlib import Path

import httpx
import jwt
import trio
from e2e.gateway_process import PATIENCE, GatewayProcess

SECRET = "a secret of 32 bytes or more, as it must be"
API_KEY = "the key of the HTTP API"
KEY = {"X-API-Key": API_KEY}
GRACE = 1
"""Seconds for a new token after the old one expired."""

MOST_CHANNELS, MOST_CONNECTIONS = 8, 4

CONFIG = f"""\
token_secret = "{SECRET}"
api_keys = ["{API_KEY}"]
allow_anonymous_connect_without_token = true
token_grace_seconds = {GRACE}
drain_seconds = 0
max_channels = {MOST_CHANNELS}
max_connections_per_user = {MOST_CONNECTIONS}

[inbox]
presence = true
join_leave = true
history_size = 100000

[[channel.namespaces]]
name = "chat"
allow_subscribe_for_client = true
allow_publish_for_subscriber = true
allow_history_for_subscriber = true
allow_presence_for_subscriber = true
presence = true
join_leave = true
force_push_join_leave = true
force_recovery = true
history_size = 100000

[[channel.namespaces]]
name = "short"
allow_subscribe_for_client = true
force_recovery = true
history_size = 3

[[channel.namespaces]]
name = "wished"
allow_subscribe_for_client = true
allow_history_for_client = true
allow_presence_for_client = true
presence = true
join_leave = true

[[channel.namespaces]]
name = "lobby"
allow_subscribe_for_client = true
allow_subscribe_for_anonymous = true
allow_publish_for_client = true
allow_publish_for_anonymous = true
history_size = 0

[[channel.namespaces]]
name = "objects"
allow_subscribe_for_client = true
allow_publish_for_client = true
publication_data_format = "json_object"
channel_regex = "[a-z0-9]+"

[[channel.namespaces]]
name = "views"
allow_subscribe_for_client = true
force_recovery = true
allowed_delta_types = ["fossil"]
delta_publish = true
allow_tags_filter = true
history_size = 1000

[[channel.namespaces]]
name = "cache"
allow_subscribe_for_client = true
force_recovery = true
force_recovery_mode = "cache"
history_size = 10

[[channel.namespaces]]
name = "always"
allow_subscribe_for_client = true
force_recovery = true
force_recovery_mode = "cache"
auto_cache_recover = true
history_size = 10

[[channel.namespaces]]
name = "private"
presence = true

[[channel.namespaces]]
name = "between"
allow_user_limited_channels = true
"""

_numbers = itertools.count(100)


def new_user() -> str:
    """Make up a user whom no other test has."""
    return f"{next(_numbers)}"


def new_channel(namespace: str = "chat", *, sign: str = "") -> str:
    """Make up a channel that no other test has."""
    return f"{sign}{namespace}:{next(_numbers)}"


def token(user: str, *, expires_in: float | None = None, **claims: object) -> str:
    """Sign a token; one that has a `channel` is for a subscription. `expires_in` is in seconds."""
    if expires_in is not None:
        claims["exp"] = time.time() + expires_in
    return jwt.encode({"sub": user, **claims}, SECRET, algorithm="HS256")


def sdk_url(port: int) -> str:
    """Write the URL that an SDK connects to."""
    return f"ws://127.0.0.1:{port}/connection/websocket"


class Node(GatewayProcess):
    """Be one gateway, which back ends reach by the HTTP API."""

    def __init__(self, directory: Path, *options: str) -> None:
        super().__init__(directory, *options)
        config = directory / "gateway.toml"
        config.write_text(CONFIG)
        self.options = (*options, "--config", str(config))

    @property
    def sdk_url(self) -> str:
        return sdk_url(self.port)

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.admin_port}/api"

    async def api(self, method: str, **request: object) -> dict[str, object]:
        """Call the HTTP API as a back end does, and give the result; fails where there is none."""
        answer = await self._post(method, **request)
        assert "result" in answer, answer
        return answer["result"]

    async def publish(self, channel: str, *data: object, **options: object) -> None:
        """Publish these in a channel, one after the other."""
        commands = [{"publish": {"channel": channel, "data": each, **options}} for each in data]
        replies = (await self._post("batch", commands=commands))["replies"]
        assert all("publish" in each for each in replies), replies

    async def _post(self, method: str, **request: object) -> dict[str, object]:
        # In a thread: where the link is lost, httpx on Trio leaves a generator behind, which warns when it is collected.
        post = partial(httpx.post, f"{self.api_url}/{method}", json=request, headers=KEY, timeout=PATIENCE)
        return (await trio.to_thread.run_sync(partial(post, verify=False))).json()
