"""An effect is what a command comes to once the session allowed it: the connection carries it out."""

from __future__ import annotations

import attrs

from trio_gateway.model.commands import Call, Message, Publish, Ref, Send, Subscribe
from trio_gateway.model.position import Position
from trio_gateway.session.terms import Terms


@attrs.frozen
class Store:
    """Publish in `channel` as `sender`, then answer `ref`; `asked` is the client's own command.

    `info` (a JSON object) is what others are shown of the sender. Where it is `undecided` the application
    says first whether it may, and what becomes of it.
    """

    ref: Ref
    channel: str
    data: bytes
    id: str
    sender: str
    info: bytes
    asked: Publish | Send
    undecided: bool = False


@attrs.frozen
class Ask:
    """Hand a message to the application, then answer `ref` with what it returns."""

    ref: Ref
    asked: Message | Call


@attrs.frozen
class AskToSubscribe:
    """Ask the application whether the client may subscribe; what it grants makes an Attach of it."""

    ref: Ref
    asked: Subscribe


@attrs.frozen
class Attach:
    """Subscribe to `channel` on these terms, then answer `ref` before the first publication.

    `since` and `recover` are as in the Subscribe, `recover` None where the terms give no right to it; `recovering`
    tells that the client asked to recover, whether it may or not.
    """

    ref: Ref
    channel: str
    terms: Terms
    since: Position | None = None
    recover: Position | None = None
    rejects_unrecovered: bool = False
    recovering: bool = False


@attrs.frozen
class Detach:
    """Stop delivering `channel`, then answer `ref`."""

    ref: Ref
    channel: str


@attrs.frozen
class ReadPresence:
    """Answer `ref` with who is in `channel`, or only with how many where they are `counted`."""

    ref: Ref
    channel: str
    counted: bool = False


@attrs.frozen
class ReadHistory:
    """Answer `ref` with up to `limit` publications of `channel`, 0 for its position alone."""

    ref: Ref
    channel: str
    limit: int
    since: Position | None
    reverse: bool


@attrs.frozen
class MoveCursor:
    """Move the device's cursor in its inbox to `position`; answered only where the request was a call."""

    position: Position
    ref: Ref = None


Effect = Store | Ask | AskToSubscribe | Attach | Detach | ReadPresence | ReadHistory | MoveCursor
