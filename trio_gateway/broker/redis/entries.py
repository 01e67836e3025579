"""What the functions wrote is read here: stream entries and hints.

Both are a JSON array on one line, then the data, untouched: an entry begins with `[prev, time, sender, id]`,
a hint with `[format, epoch, offset, prev, time, sender, id]`, and both arrays end with the time where there is
neither a sender nor an id. The format is 1; what has another one is for newer readers than this.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from trio_gateway.broker.broker import Hint
from trio_gateway.model.publication import Publication

FORMAT = b"1"
"""The name of an entry's field; a hint has it as its first number."""


class _EntryHead(msgspec.Struct, array_like=True, gc=False):
    prev: int
    time: int
    sender: str = ""
    id: str = ""


class _HintHead(msgspec.Struct, array_like=True, gc=False):
    format: Literal[1]
    epoch: str
    offset: int
    prev: int
    time: int
    sender: str = ""
    id: str = ""


# Whoever may publish in Redis can write anything there, also nested too deep for msgspec's recursion.
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_read_entry_head = msgspec.json.Decoder(_EntryHead).decode
_read_hint_head = msgspec.json.Decoder(_HintHead).decode


def parse_hint(channel: str, payload: bytes) -> Hint:
    """Read one hint; `publication` is None where it has a format that this reader does not know."""
    line, _, data = payload.partition(b"\n")
    try:
        head = _read_hint_head(line)
    except _UNREADABLE:
        data = b""
    if not data:
        return Hint(channel, "", None)  # somebody else published there; the stream has the truth
    return Hint(channel, head.epoch, Publication(head.offset, head.prev, data, head.time, head.sender, head.id))


def parse_entries(entries: Sequence[bytes]) -> list[Publication]:
    """Read `[id, format, value, …]`; leaves out unknown formats, so that the next one's `prev` shows a gap."""
    threes = zip(entries[::3], entries[1::3], entries[2::3], strict=True)
    known = (_publication(offset_of(id), value) for id, format, value in threes if format == FORMAT)
    return [publication for publication in known if publication is not None]


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
    return Publication(offset, head.prev, data, head.time, head.sender, head.id)
