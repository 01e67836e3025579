"""What a client asks, as values that every wire protocol shares; what it is told stands in `replies.py`.

A codec turns text into commands, and replies and pushes into text; the session between them knows
nothing of text.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from trio_gateway.model.codes import DisconnectCode
from trio_gateway.model.position import Position
from trio_gateway.model.tags_filter import TagsFilter

Ref = int | float | str | None
"""The client's own mark on a request, which comes back in the answer; None where it gave none."""


@attrs.frozen
class Connect:
    """Ask to be connected as the user of `token` (None: as nobody).

    `data` (JSON text) is for the gateway or the application. `positions` name the channels that it
    wants from the server's side, and tell what it has of them, None for one where it recovers nothing.
    `name` and `version` are those of the program; `headers` stand for request headers that a browser
    can't set, as the client writes them.
    """

    ref: Ref
    token: str | None = attrs.field(default=None, repr=False)
    data: bytes = b""
    positions: Mapping[str, Position | None] = attrs.field(factory=dict)
    name: str = ""
    version: str = ""
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)


@attrs.frozen
class Publish:
    """Ask to publish `data` (JSON text in UTF-8) in a channel that is no inbox."""

    ref: Ref
    channel: str
    data: bytes
    id: str = ""


@attrs.frozen
class Send:
    """Ask to publish `data` (JSON text in UTF-8) in the inbox of user `to`."""

    ref: Ref
    to: str
    data: bytes
    id: str = ""


@attrs.frozen
class Message:
    """Hand `data` (JSON text in UTF-8) to the application that embeds the gateway."""

    ref: Ref
    data: bytes


@attrs.frozen
class Call:
    """Ask the gateway, or the application that embeds it, for what `method` does with `data` (JSON text in UTF-8)."""

    ref: Ref
    method: str
    data: bytes


@attrs.frozen
class Subscribe:
    """Ask for the publications of a channel, from now on, or after a position.

    A client that is told of gaps gives `since`. One that is told once, in the answer, whether it could
    be brought up to date gives `recover`; it wants no answer but an error where it could not if it
    `rejects_unrecovered`. What follows are wishes, which the namespace may grant: `delta` is for deltas in place of
    the whole data, and `filter`, which is granted or refused, for some of the publications only. `data`
    (JSON text) is for the application, empty for none.
    """

    ref: Ref
    channel: str
    since: Position | None = None
    recover: Position | None = None
    token: str = attrs.field(default="", repr=False)
    rejects_unrecovered: bool = False
    positioned: bool = False
    recoverable: bool = False
    join_leave: bool = False
    delta: bool = False
    filter: TagsFilter | None = None
    data: bytes = b""


@attrs.frozen
class Unsubscribe:
    """Ask for no more publications of a channel."""

    ref: Ref
    channel: str


@attrs.frozen
class Acknowledge:
    """Say that this device has everything in its inbox up to `offset`; `epoch` may be left out (empty)."""

    ref: Ref
    offset: int
    epoch: str = ""


@attrs.frozen
class AskPresence:
    """Ask who is in a channel."""

    ref: Ref
    channel: str


@attrs.frozen
class AskPresenceStatistics:
    """Ask how many are in a channel."""

    ref: Ref
    channel: str


@attrs.frozen
class AskHistory:
    """Ask for up to `limit` publications of a channel (0: only for its position; below 0: as many as allowed).

    They are those after `since`, or from the oldest one on; `reverse`: those before it, or from the
    newest one on, newest first.
    """

    ref: Ref
    channel: str
    limit: int = 0
    since: Position | None = None
    reverse: bool = False


@attrs.frozen
class Refresh:
    """Bring a new token for the connection, whose old one expires."""

    ref: Ref
    token: str = attrs.field(repr=False)


@attrs.frozen
class RefreshSubscription:
    """Bring a new token for a subscription, whose old one expires."""

    ref: Ref
    channel: str
    token: str = attrs.field(repr=False)


@attrs.frozen
class Pong:
    """Answer the protocol's own ping."""


@attrs.frozen
class Break:
    """Stand for what breaks the protocol so that the connection ends, with this code; `detail` is for the log."""

    disconnect: DisconnectCode
    detail: str = ""


Command = (
    Connect
    | Publish
    | Send
    | Message
    | Call
    | Subscribe
    | Unsubscribe
    | Acknowledge
    | AskPresence
    | AskPresenceStatistics
    | AskHistory
    | Refresh
    | RefreshSubscription
    | Pong
    | Break
)
