"""A real-time gateway next to Redis, on Trio.

The folders are the floors of the design; imports go down only:

    model/       0  values without I/O: positions, publications, channel names, codes, errors
    settings/    1  the operator's options
    wire/        1  bytes and text without I/O: frames, the upgrade request, the plain codec
    session/     2  one client's state without I/O: identity, permissions, commands to effects
    broker/      2  the seam to the store; memory and Redis behind it
    embedded/    2  a private Valkey as a child process
    publisher/   3  publishing from a back end, synchronous or on Trio
    client/      3  a client of the gateway, on Trio
    hub/         3  topics, tails, cursors, fan-out
    hooks/       3  what the application is asked: functions of its own, or a back end over HTTP
    gateway/     4  sockets, connections, the server, the drain
    admin/       4  the operations server: health and the page to try it
    api/         5  the server HTTP API, on the operations server's port
    public/      5  what else stands on the clients' port: pages, and requests that clients make beside their connections
    running      6  a running gateway, as the application around it sees it
    supervisor   7  the nursery tree
    cli/         8  the command line

Public names are imported when they are first used, so that a program that only publishes does not
load the server: `open_gateway`, `Gateway`, `Hooks` with the requests and results of each hook,
`ClientMessage`, `Client`, `Settings`, `load_settings`, `MemoryBroker`, `Publisher`, `AsyncPublisher`,
`connect`, `Position`, `User`, and the errors of `trio_gateway.model.errors` as the module `errors`.
"""

from __future__ import annotations

TYPE_CHECKING = False
"""As type checkers know it; `typing` would take longer than all else before a command can catch Ctrl-C."""

if TYPE_CHECKING:
    from trio_gateway.broker.memory import MemoryBroker
    from trio_gateway.client import connect
    from trio_gateway.hooks.hooks import Hooks
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
    from trio_gateway.model import errors
    from trio_gateway.model.position import Position
    from trio_gateway.model.user import User
    from trio_gateway.publisher import AsyncPublisher, Publisher
    from trio_gateway.running import Gateway
    from trio_gateway.session.client import Client
    from trio_gateway.settings.loader import load_settings
    from trio_gateway.settings.settings import Settings
    from trio_gateway.supervisor import open_gateway

__all__ = [
    "AsyncPublisher",
    "Client",
    "ClientMessage",
    "ConnectRequest",
    "ConnectResult",
    "DisconnectedRequest",
    "Gateway",
    "Hooks",
    "MemoryBroker",
    "Position",
    "PublishRequest",
    "PublishResult",
    "Publisher",
    "RefreshRequest",
    "RefreshResult",
    "RpcRequest",
    "RpcResult",
    "Settings",
    "SubRefreshRequest",
    "SubscribeRequest",
    "SubscribeResult",
    "User",
    "connect",
    "errors",
    "load_settings",
    "open_gateway",
]

_HOMES = {
    "AsyncPublisher": "publisher",
    "Client": "session.client",
    "ClientMessage": "hooks.requests",
    "ConnectRequest": "hooks.requests",
    "ConnectResult": "hooks.results",
    "DisconnectedRequest": "hooks.requests",
    "Gateway": "running",
    "Hooks": "hooks.hooks",
    "MemoryBroker": "broker.memory",
    "Position": "model.position",
    "PublishRequest": "hooks.requests",
    "PublishResult": "hooks.results",
    "Publisher": "publisher",
    "RefreshRequest": "hooks.requests",
    "RefreshResult": "hooks.results",
    "RpcRequest": "hooks.requests",
    "RpcResult": "hooks.results",
    "Settings": "settings.settings",
    "SubRefreshRequest": "hooks.requests",
    "SubscribeRequest": "hooks.requests",
    "SubscribeResult": "hooks.results",
    "User": "model.user",
    "connect": "client",
    "load_settings": "settings.loader",
    "open_gateway": "supervisor",
}


def __getattr__(name: str) -> object:
    from importlib import import_module  # noqa: PLC0415 (not even this before a command can catch Ctrl-C)

    if name == "errors":
        return import_module("trio_gateway.model.errors")
    if name not in _HOMES:
        raise AttributeError(f"module 'trio_gateway' has no attribute {name!r}")
    return getattr(import_module(f"trio_gateway.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
