"""Requests about the clients of a user become directives, which every node carries out on those that it holds."""

from __future__ import annotations

from trio_gateway.api.decoding import passed_on
from trio_gateway.api.requests import (
    BoolValue,
    DisconnectReason,
    DisconnectRequest,
    OverrideOptions,
    RefreshRequest,
    StreamPosition,
    SubscribeRequest,
    UnsubscribeRequest,
)
from trio_gateway.model.codes import FORCE_DISCONNECT
from trio_gateway.model.directives import DisconnectUser, Override, RefreshUser, SubscribeUser, UnsubscribeUser
from trio_gateway.model.errors import BadRequest
from trio_gateway.model.position import EVERYTHING_KEPT, Position

CLOSE_CODES = range(3000, 5000)
MAX_REASON_BYTES = 123
"""What a Close frame holds beside its code (RFC 6455 §5.5)."""


def subscribe_directive(request: SubscribeRequest) -> SubscribeUser:
    """Make the directive for a request; raises RequestError where it can't be."""
    return SubscribeUser(
        user=request.user or "",
        client=request.client or "",
        session=request.session or "",
        channel=request.channel,
        info=passed_on(request.info, request.b64info, "b64info"),
        data=passed_on(request.data, request.b64data, "b64data"),
        expire_at=request.expire_at or 0,
        since=_since(request.recover_since),
        override=_override(request.override or OverrideOptions()),
    )


def unsubscribe_directive(request: UnsubscribeRequest) -> UnsubscribeUser:
    """Make the directive for a request."""
    return UnsubscribeUser(
        user=request.user or "",
        client=request.client or "",
        session=request.session or "",
        channel=request.channel or "",
    )


def disconnect_directive(request: DisconnectRequest) -> DisconnectUser:
    """Make the directive for a request; raises BadRequest for a code or a reason that no Close frame may have."""
    asked = request.disconnect or DisconnectReason()
    code = asked.code or FORCE_DISCONNECT.code
    reason = asked.reason or (FORCE_DISCONNECT.reason if code == FORCE_DISCONNECT.code else "")
    if code not in CLOSE_CODES:
        raise BadRequest(f"disconnect.code: expected a number from 3000 to 4999, not {code}")
    if len(reason.encode()) > MAX_REASON_BYTES:
        raise BadRequest(f"disconnect.reason: expected at most {MAX_REASON_BYTES} bytes")
    return DisconnectUser(
        user=request.user or "",
        client=request.client or "",
        session=request.session or "",
        code=code,
        reason=reason,
        keep=tuple(request.whitelist or ()),
    )


def refresh_directive(request: RefreshRequest) -> RefreshUser:
    """Make the directive for a request; raises RequestError where it can't be."""
    return RefreshUser(
        user=request.user or "",
        client=request.client or "",
        session=request.session or "",
        expire_at=request.expire_at or 0,
        expired=bool(request.expired),
        info=passed_on(request.info),
    )


def _since(position: StreamPosition | None) -> str:
    if position is None:
        return ""
    if not position.epoch:
        if position.offset:
            raise BadRequest("recover_since: expected an epoch beside the offset")
        return EVERYTHING_KEPT
    return str(Position.parse(f"{position.epoch}:{position.offset or 0}"))


def _override(options: OverrideOptions) -> Override:
    return Override(
        presence=_chosen(options.presence),
        join_leave=_chosen(options.join_leave),
        force_push_join_leave=_chosen(options.force_push_join_leave),
        force_recovery=_chosen(options.force_recovery),
        force_positioning=_chosen(options.force_positioning),
    )


def _chosen(option: BoolValue | None) -> bool | None:
    return None if option is None else option.value
