"""What a back end answers, in JSON: the fields are those of Centrifugo's HTTP proxies, and unknown ones are left alone.

Every function raises ValueError for what can't be taken; whose fault that is says the caller.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct

from trio_gateway.hooks.results import ConnectResult, PublishResult, RefreshResult, RpcResult, SubscribeResult
from trio_gateway.model.codes import DisconnectCode
from trio_gateway.model.errors import BadRequest, Disconnected, Refused
from trio_gateway.model.position import MAX_OFFSET
from trio_gateway.model.user import User
from trio_gateway.session.options import MALFORMED, SubscriptionOptions, read_json, read_override
from trio_gateway.settings.back_end import APPLICATION_DISCONNECTS, ERROR_CODES, MAX_REASON

MAX_SUBSCRIPTIONS: Final = 1000
"""Channels that one answer subscribes a client to, as for a token."""

_Seconds = Annotated[float, Meta(ge=0, le=2**53 - 1)]


class ErrorBody(Struct, kw_only=True):
    """Refuse with a code."""

    code: int
    message: str = ""
    temporary: bool = False


class DisconnectBody(Struct, kw_only=True):
    """End the connection with a code."""

    code: int
    reason: str = ""


class Answer(Struct):
    """Hold an answer: one of the three."""

    result: Raw = Raw()
    error: ErrorBody | None = None
    disconnect: DisconnectBody | None = None


class ConnectAnswer(Struct, kw_only=True):
    """Let a client in."""

    user: str
    expire_at: _Seconds = 0
    info: Raw = Raw()
    b64info: str = ""
    data: Raw = Raw()
    b64data: str = ""
    channels: list[str] = []
    subs: dict[str, SubscriptionOptions | None] = {}
    meta: Raw = Raw()


class SubscribeAnswer(SubscriptionOptions, kw_only=True):
    """Let a client into a channel."""

    expire_at: _Seconds = 0


class PublishAnswer(Struct, kw_only=True):
    """Let a client publish."""

    data: Raw = Raw()
    b64data: str = ""
    skip_history: bool = False
    tags: dict[str, str] = {}
    idempotency_key: str = ""
    version: Annotated[int, Meta(ge=0, le=MAX_OFFSET)] = 0
    version_epoch: str = ""
    delta: bool = False


class RpcAnswer(Struct, kw_only=True):
    """Answer a call."""

    data: Raw = Raw()
    b64data: str = ""


class RefreshAnswer(Struct, kw_only=True):
    """Prolong a connection or a subscription."""

    expired: bool = False
    expire_at: _Seconds = 0


Shape = TypeVar("Shape", bound=Struct)


def read_answer(text: bytes) -> Raw:
    """Find the result in an answer; raises Refused or Disconnected where it is an error or a disconnect."""
    answer = _decode(text, Answer)
    if answer.disconnect is not None:
        raise Disconnected(_disconnect(answer.disconnect))
    if answer.error is not None:
        raise _refused(answer.error)
    if bytes(answer.result) in (b"", b"null"):
        raise ValueError("expected a result, an error or a disconnect")
    return answer.result


def read_connect(text: bytes) -> ConnectResult:
    """Read the result of `connect`."""
    found = _decode(text, ConnectAnswer)
    subs = found.subs or dict.fromkeys(found.channels)
    if len(subs) > MAX_SUBSCRIPTIONS:
        raise ValueError(f"expected at most {MAX_SUBSCRIPTIONS} channels")
    if "" in subs:
        raise ValueError("expected no empty channel")
    return ConnectResult(
        _user(found.user),
        info=_json("info", found.info, found.b64info),
        data=_json("data", found.data, found.b64data),
        meta=_json("meta", found.meta),
        expire_at=found.expire_at,
        channels={channel: _subscription(options) for channel, options in subs.items()},
    )


def read_subscribe(text: bytes) -> SubscribeResult:
    """Read the result of `subscribe`."""
    found = _decode(text, SubscribeAnswer)
    return _subscription(found, found.expire_at)


def read_publish(text: bytes) -> PublishResult:
    """Read the result of `publish`."""
    found = _decode(text, PublishAnswer)
    return PublishResult(
        data=_json("data", found.data, found.b64data),
        skip_history=found.skip_history,
        tags=found.tags,
        id=found.idempotency_key,
        version=found.version,
        version_epoch=found.version_epoch,
        delta=found.delta,
    )


def read_rpc(text: bytes) -> RpcResult:
    """Read the result of `rpc`."""
    found = _decode(text, RpcAnswer)
    return RpcResult(data=_json("data", found.data, found.b64data))


def read_refresh(text: bytes) -> RefreshResult:
    """Read the result of `refresh` or `sub_refresh`."""
    found = _decode(text, RefreshAnswer)
    return RefreshResult(expired=found.expired, expire_at=found.expire_at)


def read_nothing(_text: bytes) -> None:
    """Read an answer of which only the status counts."""


def _subscription(options: SubscriptionOptions | None, expire_at: float = 0) -> SubscribeResult:
    if options is None:
        return SubscribeResult()
    return SubscribeResult(
        info=_json("info", options.info, options.b64info),
        data=_json("data", options.data, options.b64data),
        override=read_override(options.override),
        expire_at=expire_at,
    )


def _decode(text: bytes, shape: type[Shape]) -> Shape:
    try:
        return msgspec.json.decode(text, type=shape)
    except MALFORMED as error:
        raise ValueError(str(error)) from error


def _refused(error: ErrorBody) -> Refused:
    if error.code not in ERROR_CODES:
        raise ValueError(f"expected an error code from {ERROR_CODES[0]} to {ERROR_CODES[-1]}, not {error.code}")
    return Refused(error.code, error.message, temporary=error.temporary)


def _disconnect(given: DisconnectBody) -> DisconnectCode:
    codes = APPLICATION_DISCONNECTS
    if given.code not in codes or len(given.reason.encode()) > MAX_REASON:
        expected = f"expected a disconnect code from {codes[0]} to {codes[-1]} and at most {MAX_REASON} bytes of reason"
        raise ValueError(expected)
    return DisconnectCode(given.code, given.reason)


def _user(id: str) -> User:
    try:
        return User(id)
    except BadRequest as error:
        raise ValueError(str(error)) from error


def _json(name: str, given: Raw, encoded: str = "") -> Any:
    text = read_json(name, given, encoded)
    return Raw(text) if text else None
