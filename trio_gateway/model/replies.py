"""What a client is told, as values that every wire protocol shares: answers to its commands, and pushes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from trio_gateway.model.codes import UnsubscribeCode
from trio_gateway.model.commands import Ref
from trio_gateway.model.position import Position
from trio_gateway.model.presence import Member, PresenceStatistics
from trio_gateway.model.publication import Publication


@attrs.frozen
class Subscribed:
    """Say that a subscription was made, and where it starts.

    `position` is where delivery starts, after the `publications` that came with the answer, if any
    did: then it is the one asked for. `positioned` and `recoverable` say what the client may use it
    for, `was_recovering` and `recovered` what became of its wish. `ttl` is seconds until it must be
    refreshed, None for never. `data` (JSON text) is for the client's application, empty for none. `delta`
    says that publications, these ones too, have their data as strings, whole or as patches.
    """

    ref: Ref
    position: Position
    positioned: bool = False
    recoverable: bool = False
    was_recovering: bool = False
    recovered: bool = False
    publications: Sequence[Publication] = ()
    ttl: int | None = None
    data: bytes = b""
    delta: bool = False


@attrs.frozen
class Connected:
    """Greet a client.

    `ping` is seconds between the pings that it gets in the protocol itself, 0 for none. `position` is
    where delivery of its inbox starts. `subscriptions` are those made from the server's side. `ttl` is
    seconds until its token must be refreshed, None for never. By `session`, a secret, and `node` it sends
    commands from outside its connection, where both are not empty. `data` (JSON text) is for the client's
    application, empty for none.
    """

    ref: Ref
    user: str
    client: str
    ping: float
    position: Position
    subscriptions: Mapping[str, Subscribed] = attrs.field(factory=dict)
    ttl: int | None = None
    data: bytes = b""
    session: str = attrs.field(default="", repr=False)
    node: str = ""


@attrs.frozen
class Published:
    """Say that a publication is stored; `data` (JSON text) is what the application answered, None for nothing."""

    ref: Ref
    offset: int
    data: bytes | None = None


@attrs.frozen
class Unsubscribed:
    """Say that a subscription ended as asked."""

    ref: Ref


@attrs.frozen
class Answered:
    """Bring what the application answered (JSON text), None for nothing."""

    ref: Ref
    data: bytes | None = None


@attrs.frozen
class Present:
    """Tell who is in a channel, by client."""

    ref: Ref
    members: Mapping[str, Member]


@attrs.frozen
class Counted:
    """Tell how many are in a channel."""

    ref: Ref
    statistics: PresenceStatistics


@attrs.frozen
class Kept:
    """Bring publications of a channel's history; `position` is the channel's top."""

    ref: Ref
    publications: Sequence[Publication]
    position: Position


@attrs.frozen
class Refreshed:
    """Say that a new token for the connection counts; `ttl` is seconds until the next one is due, None for never."""

    ref: Ref
    ttl: int | None = None


@attrs.frozen
class SubscriptionRefreshed:
    """Say that a new token for a subscription counts; `ttl` as in Refreshed."""

    ref: Ref
    ttl: int | None = None


@attrs.frozen
class Error:
    """Say that the request with this `ref` did not take effect; code 100: unknown whether it did.

    `message` is the code's standard words, `detail` says to a person what was wrong, empty where nothing
    can. It may be repeated later where it is `temporary`.
    """

    ref: Ref
    code: int
    message: str
    detail: str = ""
    temporary: bool = False


@attrs.frozen
class Goodbye:
    """Say that the connection closes next; `reconnect_ms` None: do not come back."""

    code: int
    reason: str
    reconnect_ms: int | None


@attrs.frozen
class Ping:
    """Ask for a pong, for clients that asked for pings in the protocol itself."""


@attrs.frozen
class SubscribedByServer:
    """Push that the server subscribed this client to a channel."""

    channel: str
    subscribed: Subscribed


@attrs.frozen
class UnsubscribedByServer:
    """Push that the server ended this client's subscription."""

    channel: str
    code: UnsubscribeCode


@attrs.frozen
class RefreshedByServer:
    """Push that the server gave this connection another end, in `ttl` seconds; None for never."""

    ttl: int | None


Answer = (
    Connected
    | Published
    | Subscribed
    | Unsubscribed
    | Answered
    | Present
    | Counted
    | Kept
    | Refreshed
    | SubscriptionRefreshed
    | Error
)
"""What answers one command: each has its `ref`."""

Push = SubscribedByServer | UnsubscribedByServer | RefreshedByServer
"""What no command asked for."""

Reply = Answer | Goodbye | Ping | Push
