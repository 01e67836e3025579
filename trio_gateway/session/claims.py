"""What a verified token says is one of two values: for a connection, or for a subscription."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from trio_gateway.model.directives import Override

NO_OVERRIDE: Final = Override()


@attrs.frozen
class ServerSubscription:
    """Say how a token or the application subscribes a client to one channel.

    `info` and `data` are JSON text, empty for none. It ends at `expire_at` (Unix seconds), 0 for never.
    """

    info: bytes = b""
    data: bytes = b""
    override: Override = NO_OVERRIDE
    expire_at: float = 0


@attrs.frozen
class ConnectionClaims:
    """Say what a connection token says.

    `user` is empty for nobody. `expire_at` is when the connection expires (Unix seconds, 0 for never),
    which may be another time than when the token does. `info` and `meta` are JSON text, empty for
    none. `id` and `issued_at` (Unix seconds) are empty and 0 where the token has none.
    """

    user: str
    expire_at: float
    info: bytes
    channels: Mapping[str, ServerSubscription]
    id: str
    issued_at: float
    meta: bytes


@attrs.frozen
class SubscriptionClaims:
    """Say what a subscription token says: as ConnectionClaims, for one channel.

    `client` is the one client that may use it, empty for any of the user.
    """

    user: str
    channel: str
    client: str
    expire_at: float
    info: bytes
    data: bytes
    override: Override
