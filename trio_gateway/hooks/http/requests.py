"""What a back end is asked, in JSON: the fields are those of Centrifugo's HTTP proxies."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct

from trio_gateway.hooks.requests import (
    ConnectRequest,
    DisconnectedRequest,
    PublishRequest,
    RefreshRequest,
    RpcRequest,
    SubRefreshRequest,
    SubscribeRequest,
)
from trio_gateway.session.client import Client

JSON = "json"


class Body(Struct, omit_defaults=True, kw_only=True):
    """Say which client it is about."""

    client: str = msgspec.field()
    transport: str = msgspec.field()
    protocol: str = msgspec.field()
    encoding: str = msgspec.field()


class ConnectBody(Body, omit_defaults=True, kw_only=True):
    """Ask who a client is."""

    name: str = ""
    version: str = ""
    data: Raw | None = None
    channels: list[str] = []


class UserBody(Body, omit_defaults=True, kw_only=True):
    """Say which user a client speaks for, which is empty for nobody, and what was said of it when it came."""

    user: str = msgspec.field()
    meta: Raw | None = None


class ChannelBody(UserBody, omit_defaults=True, kw_only=True):
    """Ask about a client in a channel: whether it may subscribe, or publish the data, or stay."""

    channel: str = msgspec.field()
    data: Raw | None = None


class RpcBody(UserBody, omit_defaults=True, kw_only=True):
    """Ask for what a method does."""

    method: str = ""
    data: Raw | None = None


class DisconnectedBody(UserBody, omit_defaults=True, kw_only=True):
    """Tell that a client has gone."""

    code: int = msgspec.field()
    reason: str = msgspec.field()
    node: str = msgspec.field()


def connect_body(asked: ConnectRequest, *, meta: bool) -> ConnectBody:  # noqa: ARG001 (there is none yet)
    """Write a ConnectRequest."""
    return ConnectBody(
        **_about(asked.client),
        name=asked.name,
        version=asked.version,
        data=_raw(asked.raw),
        channels=list(asked.channels),
    )


def channel_body(asked: SubscribeRequest | PublishRequest, *, meta: bool) -> ChannelBody:
    """Write a SubscribeRequest or a PublishRequest."""
    return ChannelBody(**_user(asked.client, meta), channel=asked.channel, data=_raw(asked.raw))


def rpc_body(asked: RpcRequest, *, meta: bool) -> RpcBody:
    """Write an RpcRequest."""
    return RpcBody(**_user(asked.client, meta), method=asked.method, data=_raw(asked.raw))


def refresh_body(asked: RefreshRequest, *, meta: bool) -> UserBody:
    """Write a RefreshRequest."""
    return UserBody(**_user(asked.client, meta))


def sub_refresh_body(asked: SubRefreshRequest, *, meta: bool) -> ChannelBody:
    """Write a SubRefreshRequest."""
    return ChannelBody(**_user(asked.client, meta), channel=asked.channel)


def disconnected_body(asked: DisconnectedRequest, *, meta: bool) -> DisconnectedBody:
    """Write a DisconnectedRequest."""
    return DisconnectedBody(**_user(asked.client, meta), code=asked.code, reason=asked.reason, node=asked.node)


def _about(client: Client) -> dict[str, Any]:
    return {"client": client.id, "transport": client.transport, "protocol": JSON, "encoding": JSON}


def _user(client: Client, meta: bool) -> dict[str, Any]:
    return {**_about(client), "user": client.user.id, "meta": _raw(client.meta) if meta else None}


def _raw(text: bytes) -> Raw | None:
    return Raw(text) if text else None
