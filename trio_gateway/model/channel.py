"""Channel names: what they may look like, whose inbox they are, which namespace they belong to."""

from __future__ import annotations

from trio_gateway.model.errors import InvalidChannel
from trio_gateway.model.user import CONTROL_CHARACTER, is_encodable

INBOX_SIGN = "#"
"""A name that starts with it is an inbox, before any `:` or `,` in it is looked at."""

NAMESPACE_BOUNDARY = ":"
PRIVATE_SIGN = "$"
"""A name that starts with it can be subscribed to with a subscription token only."""

RESERVED_PREFIX = PRIVATE_SIGN + NAMESPACE_BOUNDARY
"""Names that start with it are the gateway's own: no client and no back end publishes there.

As the name of a private channel it would be of the namespace without a name, which nobody can have.
"""

MAX_RESERVED_BYTES = 255
"""Of such a name: the longest holds a user id of 128 bytes."""

CONTROL_CHANNEL = RESERVED_PREFIX + "control"
"""What one node asks of all the others; it has a history, so that none of it is lost with a hint."""

USERS_BOUNDARY = "#"
"""In a name that does not start with it: behind the last one stands who may subscribe, joined by commas."""


def inbox_of(user: str) -> str:
    """Name the inbox (the personal channel) of a user."""
    return INBOX_SIGN + user


def is_inbox(channel: str) -> bool:
    """Tell whether the channel is some user's inbox."""
    return channel.startswith(INBOX_SIGN)


def namespace_of(channel: str) -> str | None:
    """Name the namespace of a channel that is no inbox, private ones included; None for a channel without one."""
    name, boundary, _rest = channel.removeprefix(PRIVATE_SIGN).partition(NAMESPACE_BOUNDARY)
    return name if boundary else None


def is_private(channel: str) -> bool:
    """Tell whether only a subscription token opens the channel to a client."""
    return channel.startswith(PRIVATE_SIGN)


def is_reserved(channel: str) -> bool:
    """Tell whether the channel is the gateway's own."""
    return channel.startswith(RESERVED_PREFIX)


def users_of(channel: str) -> tuple[str, ...] | None:
    """List the users to whom a channel's name limits it; None where it names none."""
    _before, boundary, users = channel.rpartition(USERS_BOUNDARY)
    return tuple(users.split(",")) if boundary and not is_inbox(channel) else None


def check_channel(channel: str, *, max_bytes: int) -> str:
    """Return the name, or raise InvalidChannel unless it is 1 … `max_bytes` bytes of UTF-8 without control characters.

    The bound is the operator's, for clients and back ends: the gateway's own names may have 255 bytes in any case.
    """
    if not channel or not is_encodable(channel) or CONTROL_CHARACTER.search(channel):
        raise InvalidChannel("a channel name is not empty and holds UTF-8 without control characters")
    if is_reserved(channel):
        max_bytes = max(max_bytes, MAX_RESERVED_BYTES)
    if len(channel.encode()) > max_bytes:
        raise InvalidChannel(f"a channel name has at most {max_bytes} bytes")
    return channel
