"""The plain protocol's text frames, as a client reads and writes them, without I/O."""

from __future__ import annotations

from typing import Any

import msgspec

from trio_gateway.model.errors import BadRequest
from trio_gateway.model.position import START, Position

Ref = int | float | str | None


class UnreadableFrame(Exception):
    """Tell that the server sent what is no frame of the plain protocol."""


class Hello(msgspec.Struct, tag_field="type", tag="hello", frozen=True):
    """Greet: `ping` is seconds between pings (0: none), `position` where delivery of the inbox starts."""

    user: str
    position: str
    client: str = ""
    ping: float = 0


class MessageFrame(msgspec.Struct, tag_field="type", tag="message", frozen=True):
    """Bring a publication."""

    channel: str
    data: Any
    offset: int = 0
    time: int = 0
    id: str = ""
    sender: str = msgspec.field(name="from", default="")


class GapFrame(msgspec.Struct, tag_field="type", tag="gap", frozen=True):
    """Announce missing publications."""

    channel: str
    position: str
    first: int | None = msgspec.field(name="from", default=None)
    last: int | None = msgspec.field(name="to", default=None)


class Ok(msgspec.Struct, tag_field="type", tag="ok", frozen=True):
    """Say that a request took effect."""

    ref: Ref = None
    offset: int | None = None
    position: str | None = None


class Error(msgspec.Struct, tag_field="type", tag="error", frozen=True):
    """Say that a request did not take effect; code 100: unknown whether it did.

    `message` is the code's standard words, `detail` what was wrong this time, where the server says it.
    """

    code: int
    message: str = ""
    detail: str = ""
    ref: Ref = None

    @property
    def reason(self) -> str:
        """Say what was wrong, as exactly as the server did."""
        return self.detail or self.message


class Goodbye(msgspec.Struct, tag_field="type", tag="goodbye", frozen=True):
    """Say that the server closes next; `reconnect_ms` None: do not come back."""

    code: int
    reason: str = ""
    reconnect_ms: float | None = None


class Ping(msgspec.Struct, tag_field="type", tag="ping", frozen=True):
    """Ask for a pong."""


Frame = Hello | MessageFrame | GapFrame | Ok | Error | Goodbye | Ping


class _Typed(msgspec.Struct, frozen=True):
    type: str


_decoder: msgspec.json.Decoder[Frame] = msgspec.json.Decoder(Frame)
_type_decoder = msgspec.json.Decoder(_Typed)
_KNOWN = {frame.__struct_config__.tag for frame in (Hello, MessageFrame, GapFrame, Ok, Error, Goodbye, Ping)}

PONG = '{"type":"pong"}'


def read_frame(text: str) -> Frame | None:
    """Read one text frame; None for a type that only newer clients know.

    Raises UnreadableFrame when it is no object with a `type`, or a field is missing or of a wrong kind.
    """
    try:
        return _decoder.decode(text)
    except (msgspec.MsgspecError, RecursionError) as error:
        if _is_of_unknown_type(text):
            return None
        raise UnreadableFrame(f"an unreadable frame: {error}") from error


def _is_of_unknown_type(text: str) -> bool:
    try:
        return _type_decoder.decode(text).type not in _KNOWN
    except (msgspec.MsgspecError, RecursionError):
        return False


def read_position(text: str) -> Position:
    """Read a position; START where the channel keeps no history (`:0`). Raises UnreadableFrame for another form."""
    try:
        return START if text in ("", ":0") else Position.parse_since(text)
    except BadRequest as error:
        raise UnreadableFrame(str(error)) from error


def write_request(type: str, ref: int, **fields: object) -> str:
    """Write a request; fields that are empty or None are left out."""
    given = {name: value for name, value in fields.items() if value not in (None, "")}
    return msgspec.json.encode({"type": type, "ref": ref, **given}).decode()


def write_ack(position: Position) -> str:
    """Write an acknowledgement; it names the epoch, so that it never moves the cursor of another one."""
    return msgspec.json.encode({"type": "ack", "offset": position.offset, "epoch": position.epoch}).decode()
