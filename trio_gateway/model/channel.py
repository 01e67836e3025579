"""Channel names: what they may look like, whose inbox they are, which namespace they belong to."""

from __future__ import annotations

from trio_gateway.model.errors import InvalidChannel
from trio_gateway.model.user import CONTROL_CHARACTER, is_encodable

INBOX_SIGN = "#"
"""A name that starts with it is an inbox, before any `:` or `,` in it is looked at."""

NAMESPACE_BOUNDARY = ":"
RESERVED_SIGN = "$"
"""Names that start with it are the gateway's own: no client and no back end publishes there."""


def inbox_of(user: str) -> str:
    """Name the inbox (the personal channel) of a user."""
    return INBOX_SIGN + user


def is_inbox(channel: str) -> bool:
    """Tell whether the channel is some user's inbox."""
    return channel.startswith(INBOX_SIGN)


def namespace_of(channel: str) -> str | None:
    """Name the namespace of a channel that is no inbox; None for a channel without one."""
    name, boundary, _rest = channel.partition(NAMESPACE_BOUNDARY)
    return name if boundary else None


def check_channel(channel: str, *, max_bytes: int) -> str:
    """Return the name, or raise InvalidChannel unless it is 1 … `max_bytes` bytes of UTF-8 without control characters."""
    if not channel or not is_encodable(channel) or CONTROL_CHARACTER.search(channel):
        raise InvalidChannel("a channel name is not empty and holds UTF-8 without control characters")
    if len(channel.encode()) > max_bytes:
        raise InvalidChannel(f"a channel name has at most {max_bytes} bytes")
    return channel
