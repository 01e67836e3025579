"""The application is asked here: what a client sent is shown to its hooks, and what they answer becomes the gateway's own values.

Every function raises what a hook does: a RequestError that refuses, Disconnected, HookUnavailable, or
whatever it breaks with; where that elsewhere means that a client's link is gone, it is HookFailed.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import attrs
import msgspec
import trio

from trio_gateway.broker.broker import Version
from trio_gateway.broker.checks import UNREADABLE
from trio_gateway.hooks.hooks import Hooks, OnMessage
from trio_gateway.hooks.requests import (
    ClientMessage,
    ConnectRequest,
    PublishRequest,
    RefreshRequest,
    RpcRequest,
    SubRefreshRequest,
    SubscribeRequest,
)
from trio_gateway.hooks.results import ConnectResult, PublishResult, SubscribeResult
from trio_gateway.model.channel import inbox_of
from trio_gateway.model.commands import Call, Message, Publish, Send, Subscribe
from trio_gateway.model.errors import InvalidData
from trio_gateway.session.claims import ServerSubscription
from trio_gateway.session.client import Client
from trio_gateway.session.connecting import Admission
from trio_gateway.session.effects import Store

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")

LINK_ERRORS = (OSError, EOFError, trio.ClosedResourceError)
"""What the end of a client's link raises, and as well a database that is away."""


class HookFailed(Exception):
    """Tell that a function of the application broke, by its cause: a fault of its own, not the client's link."""


async def call(hook: Callable[[Asked], Awaitable[Answer]], asked: Asked) -> Answer:
    """Call a hook of one argument; raises what it does, but HookFailed for LINK_ERRORS, also those in a group."""
    try:
        return await hook(asked)
    except LINK_ERRORS as error:
        raise HookFailed(f"a hook failed: {error!r}") from error
    except ExceptionGroup as group:
        if group.subgroup(LINK_ERRORS) is None:
            raise
        raise HookFailed(f"a hook failed: {group!r}") from group


@attrs.frozen(kw_only=True)
class Publication:
    """Hold what is published; the fields are as in Broker.publish."""

    data: bytes
    id: str
    tags: bytes = b""
    skip_history: bool = False
    version: Version | None = None
    delta: bool = False


async def ask_who(hooks: Hooks, request: ConnectRequest, device: str) -> Admission:
    """Learn who a client is, and with what it is let in."""
    assert hooks.connect is not None, "asked only where there is this hook"
    return _admission(await call(hooks.connect, request), device)


async def ask_to_subscribe(hooks: Hooks, client: Client, command: Subscribe) -> ServerSubscription:
    """Learn how a client may subscribe to a channel."""
    assert hooks.subscribe is not None, "no namespace counts on a hook that is not there"
    request = SubscribeRequest(client=client, channel=command.channel, raw=command.data)
    return _subscription(await call(hooks.subscribe, request))


async def ask_to_publish(hooks: Hooks, client: Client, store: Store) -> Publication:
    """Learn what becomes of a publication; where it is decided already nobody is asked."""
    if not store.undecided:
        return Publication(data=store.data, id=store.id)
    assert hooks.publish is not None, "no namespace counts on a hook that is not there"
    request = PublishRequest(client=client, channel=store.channel, raw=store.data, id=store.id)
    return _publication(await call(hooks.publish, request), store)


async def ask_for(hooks: Hooks, client: Client, asked: Message | Call) -> bytes | None:
    """Have the application answer a message or a call; None where it answers nothing."""
    if hooks.rpc is None or (isinstance(asked, Message) and hooks.on_message):
        assert hooks.on_message is not None, "the session lets through only what there is a hook for"
        return await show(hooks.on_message, client, asked)
    method = asked.method if isinstance(asked, Call) else ""
    result = await call(hooks.rpc, RpcRequest(client=client, method=method, raw=asked.data))
    return _json(result.data) or None


async def ask_to_stay(hooks: Hooks, client: Client, channel: str = "") -> float:
    """Learn until when a client stays connected, or in `channel`: Unix seconds, infinity for ever, minus infinity for no longer."""
    if channel:
        assert hooks.sub_refresh is not None, "no namespace counts on a hook that is not there"
        result = await call(hooks.sub_refresh, SubRefreshRequest(client=client, channel=channel))
    else:
        assert hooks.refresh is not None, "asked only where there is this hook"
        result = await call(hooks.refresh, RefreshRequest(client=client))
    return -math.inf if result.expired else result.expire_at or math.inf


async def show(hook: OnMessage, client: Client, asked: Message | Call | Send | Publish) -> bytes | None:
    """Hand what the client sent to the application; answers JSON text, None where it returned None.

    Raises InvalidData for data that can't be decoded.
    """
    return _json(await call(partial(hook, client), _client_message(asked))) or None


def _client_message(asked: Message | Call | Send | Publish) -> ClientMessage:
    try:
        data = msgspec.json.decode(asked.data)
    except UNREADABLE as error:
        raise InvalidData(str(error)) from None
    match asked:
        case Message():
            return ClientMessage("message", data)
        case Call():
            return ClientMessage("call", data, method=asked.method)
        case Send():
            return ClientMessage("send", data, inbox_of(asked.to), asked.id)
        case Publish():
            return ClientMessage("publish", data, asked.channel, asked.id)


def _admission(result: ConnectResult, device: str) -> Admission:
    own = inbox_of(result.user.id) if result.user.id else ""
    return Admission(
        user=result.user,
        device=device,
        info=_json(result.info),
        expire_at=result.expire_at,
        channels={channel: _subscription(given) for channel, given in result.channels.items() if channel != own},
        meta=_json(result.meta),
        data=_json(result.data),
    )


def _subscription(result: SubscribeResult) -> ServerSubscription:
    return ServerSubscription(_json(result.info), _json(result.data), result.override, result.expire_at)


def _publication(result: PublishResult, store: Store) -> Publication:
    return Publication(
        data=_json(result.data) or store.data,
        id=result.id or store.id,
        tags=_tags(result.tags),
        skip_history=result.skip_history,
        version=Version(result.version, result.version_epoch) if result.version else None,
        delta=result.delta,
    )


def _tags(tags: Mapping[str, str]) -> bytes:
    return msgspec.json.encode(tags) if tags else b""


def _json(value: Any) -> bytes:
    return b"" if value is None else msgspec.json.encode(value)
