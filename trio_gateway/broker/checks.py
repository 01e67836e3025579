"""What a publication must be, before it is sent to any store; the Redis functions check the same again.

They must, since back ends call them directly; here a wrong one costs no round trip.
"""

from __future__ import annotations

import msgspec

from trio_gateway.broker.limits import MAX_NAME_BYTES, Limits
from trio_gateway.model.channel import check_channel
from trio_gateway.model.errors import InvalidData, InvalidId, PublicationTooLarge
from trio_gateway.model.user import CONTROL_CHARACTER

STRICT = msgspec.json.Decoder(float_hook=len)
"""The hook spares the number: one past a float's range is JSON all the same."""


def check_publication(channel: str, data: bytes, id: str, sender: str, limits: Limits) -> None:
    """Check everything but that data is JSON.

    Raises InvalidChannel, PublicationTooLarge, or InvalidId for an id or a sender of more than 128 bytes
    or with control characters.
    """
    check_channel(channel, max_bytes=limits.max_channel_length)
    if len(data) > limits.max_publication_size:
        raise PublicationTooLarge(f"data has at most {limits.max_publication_size} bytes")
    _check_name("an id", id)
    _check_name("a sender", sender)


def check_json(data: bytes) -> None:
    """Raise InvalidData unless the data is JSON in UTF-8: no NaN, no lone surrogates, nested at most 1,000 deep."""
    try:
        STRICT.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidData("the data is not JSON in UTF-8") from None


def _check_name(what: str, name: str) -> None:
    if not name:
        return
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        raise InvalidId(f"{what} is text that UTF-8 can write") from None
    if length > MAX_NAME_BYTES or CONTROL_CHARACTER.search(name):
        raise InvalidId(f"{what} has at most {MAX_NAME_BYTES} bytes of UTF-8 without control characters")
