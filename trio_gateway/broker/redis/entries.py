"""What the functions wrote is read here: stream entries, hints and members.

The first two are a JSON array on one line, then the data, untouched: an entry begins with `[prev, time, sender, id, info,
tags, delta]`, a hint with `[format, epoch, offset, prev, time, sender, id, info, tags, delta]`, and both arrays end
where nothing more is given, though not between sender and id. The format is 1; what has another one is for newer readers than this,
but for the hint of a passage: `[2,"join"]` or `[2,"leave"]` on one line, then the member's info. A member is
`<1 where it is told, else 0>:<bytes of user>:<user><info>`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from trio_gateway.broker.broker import Hint
from trio_gateway.model.presence import Member, Passage
from trio_gateway.model.publication import Publication

FORMAT = b"1"
"""The name of an entry's field; a hint has it as its first number."""

PASSAGES = {b'[2,"join"]': True, b'[2,"leave"]': False}

_NOT_GIVEN = msgspec.Raw()


class _EntryHead(msgspec.Struct, array_like=True, gc=False):
    prev: int
    time: int
    sender: str = ""
    id: str = ""
    info: msgspec.Raw = _NOT_GIVEN
    tags: msgspec.Raw = _NOT_GIVEN
    delta: Any = None  # whatever a newer writer has there


class _HintHead(msgspec.Struct, array_like=True, gc=False):
    format: Literal[1]
    epoch: str
    offset: int
    prev: int
    time: int
    sender: str = ""
    id: str = ""
    info: msgspec.Raw = _NOT_GIVEN
    tags: msgspec.Raw = _NOT_GIVEN
    delta: Any = None


# Whoever may publish in Redis can write anything there, also nested too deep for msgspec's recursion.
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_read_entry_head = msgspec.json.Decoder(_EntryHead).decode
_read_hint_head = msgspec.json.Decoder(_HintHead).decode


def parse_hint(channel: str, payload: bytes) -> Hint:
    """Read one hint; it has neither publication nor passage where this reader does not know its format."""
    line, _, data = payload.partition(b"\n")
    try:
        head = _read_hint_head(line)
    except _UNREADABLE:
        return Hint(channel, "", None, _passage(line, data))
    if not data:
        return Hint(channel, "", None)  # somebody else published there; the stream has the truth
    if head.info is not _NOT_GIVEN:
        return Hint(channel, head.epoch, _with_more(head, head.offset, data))
    return Hint(channel, head.epoch, Publication(head.offset, head.prev, data, head.time, head.sender, head.id))


def parse_entries(entries: Sequence[bytes]) -> list[Publication]:
    """Read `[id, format, value, …]`; leaves out unknown formats, so that the next one's `prev` shows a gap."""
    threes = zip(entries[::3], entries[1::3], entries[2::3], strict=True)
    known = (_publication(offset_of(id), value) for id, format, value in threes if format == FORMAT)
    return [publication for publication in known if publication is not None]


def parse_members(pairs: Sequence[bytes]) -> dict[str, Member]:
    """Read `[client, member, …]`; leaves out what was written by hand."""
    members = (_member(client, text) for client, text in zip(pairs[::2], pairs[1::2], strict=True))
    return {member.client: member for member in members if member is not None}


def offset_of(id: bytes) -> int:
    """Read the offset out of a stream entry's id, `<offset>-0`."""
    return int(id.partition(b"-")[0])


def _publication(offset: int, value: bytes) -> Publication | None:
    line, _, data = value.partition(b"\n")
    try:
        head = _read_entry_head(line)
    except _UNREADABLE:
        data = b""
    if not data:
        return None  # written by hand
    if head.info is not _NOT_GIVEN:
        return _with_more(head, offset, data)
    return Publication(offset, head.prev, data, head.time, head.sender, head.id)


def _with_more(head: _EntryHead | _HintHead, offset: int, data: bytes) -> Publication:
    """Make a publication that carries info, tags or a wish; they are copied, since a Raw keeps all of the line."""
    info, tags, delta = bytes(head.info), bytes(head.tags), head.delta == 1
    if info == b"null":
        info = b""
    if delta and tags == b"{}":
        tags = b""
    return Publication(offset, head.prev, data, head.time, head.sender, head.id, info, tags, delta)


def _passage(line: bytes, info: bytes) -> Passage | None:
    joined = PASSAGES.get(line)
    return None if joined is None or not info else Passage(joined, info)


def _member(client: bytes, text: bytes) -> Member | None:
    try:
        told, length, rest = text.split(b":", 2)
        end = int(length)
        return Member(client.decode(), rest[:end].decode(), rest[end:], told == b"1")
    except ValueError:
        return None
