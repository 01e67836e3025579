"""Hooks are async functions that the gateway calls while clients come, act and go; the seam to the application.

A hook that raises a RequestError refuses, and nothing happened; one that raises Disconnected ends the
connection with its code; HookUnavailable says that the application could not be asked (error 100). Any
other exception is a fault of the application: the connection ends with 3004 and the traceback is logged.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import attrs

from trio_gateway.hooks.requests import (
    ClientMessage,
    ConnectRequest,
    DisconnectedRequest,
    PublishRequest,
    RefreshRequest,
    RpcRequest,
    SubRefreshRequest,
    SubscribeRequest,
)
from trio_gateway.hooks.results import ConnectResult, PublishResult, RefreshResult, RpcResult, SubscribeResult
from trio_gateway.model.user import User
from trio_gateway.session.asks import Asks
from trio_gateway.session.client import Client
from trio_gateway.wire.request import Request

Authenticate = Callable[[Request], Awaitable[User]]
OnMessage = Callable[[Client, ClientMessage], Awaitable[Any]]
Connect = Callable[[ConnectRequest], Awaitable[ConnectResult]]
Subscribe = Callable[[SubscribeRequest], Awaitable[SubscribeResult]]
Publish = Callable[[PublishRequest], Awaitable[PublishResult]]
Rpc = Callable[[RpcRequest], Awaitable[RpcResult]]
Refresh = Callable[[RefreshRequest], Awaitable[RefreshResult]]
SubRefresh = Callable[[SubRefreshRequest], Awaitable[RefreshResult]]
Disconnected = Callable[[DisconnectedRequest], Awaitable[None]]


def _lower(names: Any) -> frozenset[str]:
    return frozenset(name.lower() for name in names)


@attrs.frozen(kw_only=True)
class Hooks:
    """Name the application's own functions.

    `authenticate(request) -> User` replaces tokens: it raises Unauthorized to refuse the request with 401.
    `on_message(client, message)` takes what clients send; what it returns (JSON-able, or None) becomes the
    `data` of the answer. For "send" and "publish" it runs before the publication is stored, after the
    settings or the `publish` hook allowed it: it can refuse, not permit.

    `connect` says who a client without a token is. `subscribe`, `publish` and `sub_refresh` decide in the
    namespaces that have `<hook>_proxy_enabled`, and `rpc` takes calls, before `on_message`. With `refresh`
    connections that expire are prolonged by it, and by no token. `disconnected` is told of each client that
    has gone, at least once: one that raises, or takes longer than 30 s, is told again. `headers` of a client's request, and
    `emulated_headers` of its connect, are kept for them; of others nothing is.
    """

    authenticate: Authenticate | None = None
    on_message: OnMessage | None = None
    connect: Connect | None = None
    subscribe: Subscribe | None = None
    publish: Publish | None = None
    rpc: Rpc | None = None
    refresh: Refresh | None = None
    sub_refresh: SubRefresh | None = None
    disconnected: Disconnected | None = None
    headers: frozenset[str] = attrs.field(default=frozenset(), converter=_lower)
    emulated_headers: frozenset[str] = attrs.field(default=frozenset(), converter=_lower)

    def __attrs_post_init__(self) -> None:
        if self.authenticate and self.connect:
            raise ValueError("authenticate and connect both say who a client is: give one of them")

    @property
    def asks(self) -> Asks:
        """Say what a session needs to know of them."""
        return Asks(
            messages=bool(self.on_message),
            calls=bool(self.rpc or self.on_message),
            refreshes=bool(self.refresh),
        )

    def given(self) -> Iterator[str]:
        """Name the hooks that are there."""
        return (field.name for field in attrs.fields(Hooks) if callable(getattr(self, field.name)))
