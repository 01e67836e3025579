"""What a hook answers: one value for each hook. Data is anything that JSON can say, None for none.

A `msgspec.Raw` is passed on as it is. Times are Unix seconds, 0 for never.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from trio_gateway.model.directives import Override
from trio_gateway.model.user import User
from trio_gateway.session.claims import NO_OVERRIDE


@attrs.frozen(kw_only=True)
class SubscribeResult:
    """Let a client into a channel: `info` is what others there are shown of it, `data` is for its application.

    The subscription ends at `expire_at`, unless it is prolonged. `override` replaces options of the namespace.
    """

    info: Any = None
    data: Any = None
    override: Override = NO_OVERRIDE
    expire_at: float = 0


@attrs.frozen
class ConnectResult:
    """Let a client in as `user`; ANONYMOUS for nobody, whom the plain protocol does not let in.

    `info` is what others are shown of it, `data` is for its application, and `meta` comes back with each
    later request about it, shown to nobody. The connection ends at `expire_at`, unless it is prolonged.
    `channels` are those that a client of an SDK is subscribed to from the server's side.
    """

    user: User
    info: Any = attrs.field(default=None, kw_only=True)
    data: Any = attrs.field(default=None, kw_only=True)
    meta: Any = attrs.field(default=None, kw_only=True)
    expire_at: float = attrs.field(default=0, kw_only=True)
    channels: Mapping[str, SubscribeResult] = attrs.field(factory=dict, kw_only=True)


@attrs.frozen(kw_only=True)
class PublishResult:
    """Let a client publish: what it sent, or `data` instead of it.

    With `skip_history` it is told to who is there and not kept. `tags` go with the publication. `delta` asks for
    one of it. `id` makes it safe to repeat, instead of the client's own. With a `version` (from 1 on) it follows no
    larger one of the same `version_epoch`.
    """

    data: Any = None
    skip_history: bool = False
    tags: Mapping[str, str] = attrs.field(factory=dict)
    id: str = ""
    version: int = 0
    version_epoch: str = ""
    delta: bool = False


@attrs.frozen(kw_only=True)
class RpcResult:
    """Answer a call with `data`."""

    data: Any = None


@attrs.frozen(kw_only=True)
class RefreshResult:
    """Prolong a connection or a subscription until `expire_at`, or end it where it has `expired`."""

    expire_at: float = 0
    expired: bool = False
