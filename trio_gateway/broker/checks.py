"""What a publication, a member or a mark must be, before it is sent to any store; the Redis functions check the same again.

They must, since back ends call them directly; here a wrong one costs no round trip.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from trio_gateway.broker.limits import MAX_INFO_BYTES, MAX_MARK_BYTES, MAX_NAME_BYTES, Limits
from trio_gateway.model.channel import check_channel, is_reserved
from trio_gateway.model.errors import BadRequest, InvalidData, InvalidId, PublicationTooLarge
from trio_gateway.model.position import MAX_OFFSET
from trio_gateway.model.presence import Member
from trio_gateway.model.user import CONTROL_CHARACTER

if TYPE_CHECKING:
    from trio_gateway.broker.broker import Version  # brings Trio, which the command line waits for

STRICT = msgspec.json.Decoder(float_hook=len)
"""The hook spares the number: one past a float's range is JSON all the same."""

STRICT_OBJECT = msgspec.json.Decoder(dict[str, Any], float_hook=len)

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def check_publication(channel: str, data: bytes, id: str, sender: str, limits: Limits, *, more: int = 0) -> None:
    """Check everything but that data is JSON; `more` is the bytes of info and tags, which count as data's do.

    Raises InvalidChannel, PublicationTooLarge, or InvalidId for an id or a sender of more than 128 bytes
    or with control characters.
    """
    check_channel(channel, max_bytes=limits.max_channel_length)
    # What nodes tell each other is bounded by what they tell of, whatever the limit for applications.
    if len(data) + more > limits.max_publication_size and not is_reserved(channel):
        raise PublicationTooLarge(f"data has at most {limits.max_publication_size} bytes")
    _check_name("an id", id)
    _check_name("a sender", sender)


def check_version(version: Version | None) -> None:
    """Raise BadRequest unless its number is from 1 to 2**53-1, InvalidId for an epoch of another form than an id's."""
    if version is None:
        return
    if not 1 <= version.number <= MAX_OFFSET:
        raise BadRequest(f"a version is a whole number from 1 to {MAX_OFFSET}")
    _check_name("the epoch of a version", version.epoch)


def check_member(member: Member, ttl: float) -> None:
    """Check everything but that the info is JSON.

    Raises InvalidId, PublicationTooLarge, or BadRequest for a `ttl` that is not positive.
    """
    if not member.client:
        raise InvalidId("a client has a name")
    _check_name("a client", member.client)
    _check_name("a user", member.user)
    if len(member.info) > MAX_INFO_BYTES:
        raise PublicationTooLarge(f"the info of a member has at most {MAX_INFO_BYTES} bytes")
    check_ttl(ttl)


def check_ttl(ttl: float) -> None:
    """Raise BadRequest unless `ttl` (seconds) is one millisecond or more: the store counts in them."""
    if not ttl >= 0.001:
        raise BadRequest("a time to live is 1 ms or more")


def check_mark(name: str, value: bytes) -> None:
    """Raise BadRequest for a name that is empty, too long or holds control characters, and for too long a value."""
    if not name:
        raise BadRequest("a mark has a name")
    try:
        _check_name("a mark's name", name, max_bytes=MAX_MARK_BYTES)
    except InvalidId as error:
        raise BadRequest(str(error)) from None
    if len(value) > MAX_MARK_BYTES:
        raise BadRequest(f"a mark's value has at most {MAX_MARK_BYTES} bytes")


def check_json(data: bytes) -> None:
    """Raise InvalidData unless the data is JSON in UTF-8: no NaN, no lone surrogates, nested at most 1,000 deep."""
    try:
        STRICT.decode(data)
    except UNREADABLE:
        raise InvalidData("the data is not JSON in UTF-8") from None


def check_info(info: bytes) -> None:
    """Raise InvalidData unless it is a JSON object."""
    _read_object("the info is not a JSON object in UTF-8", info)


def check_tags(tags: bytes) -> None:
    """Raise InvalidData unless they are a JSON object of strings."""
    wanted = "the tags are not a JSON object of strings in UTF-8"
    if not all(isinstance(value, str) for value in _read_object(wanted, tags).values()):
        raise InvalidData(wanted)


def _read_object(reason: str, text: bytes) -> dict[str, Any]:
    try:
        return STRICT_OBJECT.decode(text)
    except UNREADABLE:
        raise InvalidData(reason) from None


def _check_name(what: str, name: str, *, max_bytes: int = MAX_NAME_BYTES) -> None:
    if not name:
        return
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        raise InvalidId(f"{what} is text that UTF-8 can write") from None
    if length > max_bytes or CONTROL_CHARACTER.search(name):
        raise InvalidId(f"{what} has at most {max_bytes} bytes of UTF-8 without control characters")
