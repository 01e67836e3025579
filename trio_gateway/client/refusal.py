"""What an HTTP answer to the upgrade means: come back later, or never, and why; without I/O."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from trio_gateway.client.errors import LinkLost, UpgradeRefused, request_error
from trio_gateway.model import codes
from trio_gateway.model.errors import GatewayError

MAX_RETRY_AFTER = 60.0
"""Seconds. Who asks for more gets a visitor a minute."""

PASSING = frozenset({408, 425, 429})
"""Statuses of 4xx that the same request may not meet again."""

UNAUTHORIZED = 401
"""The one refusal that means the same without a gateway's body: a proxy in between wants to know who asks."""


class _Body(msgspec.Struct, frozen=True):
    code: int
    message: str
    detail: str = ""


def judge_refusal(
    status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes | bytearray | None
) -> LinkLost | GatewayError:
    """Make the error for a refused upgrade: LinkLost where a later attempt may do better."""
    told = _read(body)
    if status >= 500 or status in PASSING:
        why = f": {told.detail or told.message}" if told is not None else ""
        return LinkLost(f"refused with HTTP status {status}{why}", delay=_retry_after(headers))
    if told is not None:
        return request_error(told.code, told.detail or told.message)
    if status == UNAUTHORIZED:
        return request_error(codes.UNAUTHORIZED.code, f"refused with HTTP status {status}")
    return UpgradeRefused(status)


def _read(body: bytes | bytearray | None) -> _Body | None:
    try:
        return msgspec.json.decode(body or b"", type=_Body)
    except msgspec.MsgspecError:
        return None


def _retry_after(headers: Iterable[tuple[bytes, bytes]]) -> float:
    """Read `Retry-After` in seconds; its other form, a date, counts as absent."""
    for name, value in headers:
        if name.lower() == b"retry-after" and value.isdigit():
            return min(float(value), MAX_RETRY_AFTER)
    return 0.0
