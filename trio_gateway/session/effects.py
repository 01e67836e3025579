"""An effect is what a command comes to once the session allowed it: the connection carries it out."""

from __future__ import annotations

import attrs

from trio_gateway.model.commands import Message, Publish, Ref, Send
from trio_gateway.model.position import Position


@attrs.frozen
class Store:
    """Publish in `channel` as `sender`, then answer `ref`; `asked` is the client's own command."""

    ref: Ref
    channel: str
    data: bytes
    id: str
    sender: str
    asked: Publish | Send


@attrs.frozen
class Ask:
    """Hand a message to the application, then answer `ref` with what it returns."""

    ref: Ref
    asked: Message


@attrs.frozen
class Attach:
    """Subscribe to `channel` after `since`, then answer `ref` before the first publication."""

    ref: Ref
    channel: str
    since: Position | None


@attrs.frozen
class Detach:
    """Stop delivering `channel`, then answer `ref`."""

    ref: Ref
    channel: str


@attrs.frozen
class MoveCursor:
    """Move the device's cursor in its inbox to `position`; nothing is answered."""

    position: Position


Effect = Store | Ask | Attach | Detach | MoveCursor
