"""What a hook is asked: one value for each hook, with the client that it is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import attrs
import msgspec

from trio_gateway.broker.checks import UNREADABLE
from trio_gateway.model.errors import InvalidData
from trio_gateway.session.client import Client
from trio_gateway.wire.request import Request


@attrs.frozen
class ClientMessage:
    """Carry what a client sent to the application.

    `type` is "message" for a frame meant for the application alone, "send" or "publish" for a
    publication that is stored after the hook returned, "call" for a call of a `method` (an SDK's rpc).
    `data` is decoded JSON. `channel` is where a publication goes (an inbox for "send"), empty otherwise.
    `id` is the client's own, or empty.
    """

    type: Literal["message", "send", "publish", "call"]
    data: Any
    channel: str = ""
    id: str = ""
    method: str = ""


@attrs.frozen(kw_only=True)
class WithData:
    """Carry JSON text as it was sent in `raw`, empty for none."""

    raw: bytes = b""

    @property
    def data(self) -> Any:
        """Decode it, None for none; raises InvalidData where it is nested too deeply."""
        try:
            return msgspec.json.decode(self.raw) if self.raw else None
        except UNREADABLE as error:
            raise InvalidData(str(error)) from None


@attrs.frozen(kw_only=True)
class ConnectRequest(WithData):
    """Ask who a client is that came without a token; `client` has no user yet.

    `http` is its request, with the parameters of the query. `raw` is the data of its connect (JSON text,
    empty for none), `name` and `version` are its program's, and `channels` are those that it wants from the
    server's side: all of that is empty in the plain protocol.
    """

    client: Client
    http: Request = attrs.field(repr=False)
    name: str = ""
    version: str = ""
    channels: Sequence[str] = ()


@attrs.frozen(kw_only=True)
class SubscribeRequest(WithData):
    """Ask whether a client may subscribe to `channel`, without a token; `raw` is what it sent along."""

    client: Client
    channel: str


@attrs.frozen(kw_only=True)
class PublishRequest(WithData):
    """Ask whether a client may publish `raw` (JSON text) in `channel`, which is an inbox where it sends to a user.

    `id` is the client's own for the publication, or empty.
    """

    client: Client
    channel: str
    id: str = ""


@attrs.frozen(kw_only=True)
class RpcRequest(WithData):
    """Ask for what `method` does with `raw` (JSON text); the method is empty for a message of the plain protocol."""

    client: Client
    method: str


@attrs.frozen(kw_only=True)
class RefreshRequest:
    """Ask until when a client whose time is over may stay connected."""

    client: Client


@attrs.frozen(kw_only=True)
class SubRefreshRequest:
    """Ask until when a client may stay subscribed to `channel`, where its time is over."""

    client: Client
    channel: str


@attrs.frozen(kw_only=True)
class DisconnectedRequest:
    """Tell that a client has gone, from `node`: with which close code and reason.

    The code 1006 stands for one that is not known, as the node was killed; of such a client the headers are not known either.
    """

    client: Client
    code: int
    reason: str
    node: str
