"""One table holds every method: what it takes, what it answers, and an example; all else that lists them is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
from msgspec import Struct

from trio_gateway.api import requests, results
from trio_gateway.api.sentences import SENTENCES
from trio_gateway.model import codes
from trio_gateway.model.codes import ErrorCode

JsonObject = Mapping[str, Any]

ALWAYS = (codes.INTERNAL_ERROR, codes.BAD_REQUEST)
OF_A_CHANNEL = (*ALWAYS, codes.UNKNOWN_CHANNEL)
OF_WHAT_IS_KEPT = (*OF_A_CHANNEL, codes.NOT_AVAILABLE)
"""Errors of methods."""

CLIENT = "b6d3a1f0-4c1e-4b6c-9f43-0c4d0c9b2f51"
EPOCH = "5f0c1e6b9a3d"
PLACE = {"offset": 12, "epoch": EPOCH}
NODE = {
    "uid": "9d2f4c7a1b03",
    "name": "gateway-1",
    "version": "1.0.0",
    "num_clients": 3,
    "num_users": 2,
    "num_subs": 5,
    "num_channels": 4,
    "uptime": 3600,
}


@attrs.frozen
class Method:
    """Describe one method; `example` is a request and `answer` a result of it. ServerApi carries it out by its name.

    Only batch is not `wrapped`: its result stands alone where others have `{"result": …}`. `errors` are those that
    it can answer as a whole; those of a channel of a broadcast, or of a command of a batch, stand in their results.
    """

    name: str
    request: type[Struct]
    result: type[Struct]
    example: JsonObject
    answer: JsonObject = attrs.field(factory=dict)
    wrapped: bool = True
    errors: tuple[ErrorCode, ...] = attrs.field(default=ALWAYS, kw_only=True)

    @property
    def sentence(self) -> str:
        """Say what it does."""
        return SENTENCES[self.name]


_ALL = (
    Method(
        "publish",
        requests.PublishRequest,
        results.PublishResult,
        {"channel": "news", "data": {"text": "hi"}},
        PLACE,
        errors=OF_A_CHANNEL,
    ),
    Method(
        "broadcast",
        requests.BroadcastRequest,
        results.BroadcastResult,
        {"channels": ["news", "#7"], "data": {"text": "hi"}},
        {"responses": [{"result": PLACE}, {"result": {"offset": 1, "epoch": "0d9c8b7a6f5e"}}]},
    ),
    Method(
        "subscribe",
        requests.SubscribeRequest,
        results.Empty,
        {"user": "7", "channel": "news"},
        errors=OF_A_CHANNEL,
    ),
    Method(
        "unsubscribe",
        requests.UnsubscribeRequest,
        results.Empty,
        {"user": "7", "channel": "news"},
        errors=OF_A_CHANNEL,
    ),
    Method("disconnect", requests.DisconnectRequest, results.Empty, {"user": "7"}),
    Method(
        "refresh",
        requests.RefreshRequest,
        results.Empty,
        {"user": "7", "expire_at": 1_893_456_000},
    ),
    Method(
        "presence",
        requests.PresenceRequest,
        results.PresenceResult,
        {"channel": "chat:lobby"},
        {"presence": {CLIENT: {"user": "7", "client": CLIENT, "conn_info": {"name": "Ada"}}}},
        errors=OF_WHAT_IS_KEPT,
    ),
    Method(
        "presence_stats",
        requests.PresenceStatsRequest,
        results.PresenceStatsResult,
        {"channel": "chat:lobby"},
        {"num_clients": 3, "num_users": 2},
        errors=OF_WHAT_IS_KEPT,
    ),
    Method(
        "history",
        requests.HistoryRequest,
        results.HistoryResult,
        {"channel": "news", "limit": 10},
        {"publications": [{"data": {"text": "hi"}, "offset": 12}], "epoch": EPOCH, "offset": 12},
        errors=(*OF_WHAT_IS_KEPT, codes.UNRECOVERABLE_POSITION),
    ),
    Method(
        "history_remove",
        requests.HistoryRemoveRequest,
        results.Empty,
        {"channel": "news"},
        errors=OF_WHAT_IS_KEPT,
    ),
    Method(
        "channels",
        requests.ChannelsRequest,
        results.ChannelsResult,
        {"pattern": "chat:*"},
        {"channels": {"chat:lobby": {"num_clients": 3}}},
    ),
    Method("info", requests.InfoRequest, results.InfoResult, {}, {"nodes": [NODE]}),
    Method(
        "rpc",
        requests.RpcRequest,
        results.RpcResult,
        {"method": "ping"},
        {"data": "pong"},
        errors=(*ALWAYS, codes.METHOD_NOT_FOUND),
    ),
    Method(
        "batch",
        requests.BatchRequest,
        results.BatchResult,
        {"commands": [{"publish": {"channel": "news", "data": 1}}, {"presence_stats": {"channel": "chat:lobby"}}]},
        {"replies": [{"publish": PLACE}, {"presence_stats": {"num_clients": 3, "num_users": 2}}]},
        wrapped=False,
    ),
    Method("block_user", requests.BlockUserRequest, results.Empty, {"user": "7", "seconds": 3600}),
    Method("unblock_user", requests.UnblockUserRequest, results.Empty, {"user": "7"}),
    Method("revoke_user_tokens", requests.RevokeUserTokensRequest, results.Empty, {"user": "7"}),
    Method("revoke_token", requests.RevokeTokenRequest, results.Empty, {"id": "token-41", "seconds": 86400}),
)

METHODS: Mapping[str, Method] = {method.name: method for method in _ALL}
