"""What a client asks and what it is told, as values that every wire protocol shares.

A codec turns text into commands, and replies and pushes into text; the session between them knows
nothing of text.
"""

from __future__ import annotations

import attrs

from trio_gateway.model.position import Position

Ref = int | float | str | None
"""The client's own mark on a request, which comes back in the answer; None where it gave none."""


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
class Subscribe:
    """Ask for the publications of a channel, after `since` or from now on."""

    ref: Ref
    channel: str
    since: Position | None = None


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
class Pong:
    """Answer the protocol's own ping."""


Command = Publish | Send | Message | Subscribe | Unsubscribe | Acknowledge | Pong


@attrs.frozen
class Hello:
    """Greet: `ping` is seconds between pings, `position` where delivery of the inbox starts."""

    user: str
    client: str
    ping: float
    position: Position


@attrs.frozen
class Ok:
    """Say that the request with this `ref` took effect.

    `offset` answers a publish, `position` a subscribe, `data` (JSON text) what the application answered.
    """

    ref: Ref
    offset: int | None = None
    position: Position | None = None
    data: bytes | None = None


@attrs.frozen
class Error:
    """Say that the request with this `ref` did not take effect; code 100: unknown whether it did.

    `message` is the code's standard words, `detail` says to a person what was wrong, empty where nothing can.
    """

    ref: Ref
    code: int
    message: str
    detail: str = ""


@attrs.frozen
class Goodbye:
    """Say that the connection closes next; `reconnect_ms` None: do not come back."""

    code: int
    reason: str
    reconnect_ms: int | None


@attrs.frozen
class Ping:
    """Ask for a pong, for clients that asked for pings in the protocol itself."""


Reply = Hello | Ok | Error | Goodbye | Ping
