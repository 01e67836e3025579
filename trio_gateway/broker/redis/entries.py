"""What the functions wrote is read here: the body of stream entries and hints.

A body is `prev`, time, sender, id and data, joined by newlines (only data, the last one, may hold
some). A hint is the format number, epoch, offset and the body. The format is `1`; what has another
one is for newer readers than this.
"""

from __future__ import annotations

from collections.abc import Sequence

from trio_gateway.broker.broker import Hint
from trio_gateway.model.publication import Publication

FORMAT = b"1"


def parse_hint(channel: str, payload: bytes) -> Hint:
    """Read one hint; `publication` is None where it has a format that this reader does not know."""
    fields = payload.split(b"\n", 7)
    if len(fields) != 8 or fields[0] != FORMAT:
        return Hint(channel, "", None)
    _, epoch, offset, prev, time, sender, id, data = fields
    try:
        # Mostly there is neither a sender nor an id, and this is the hottest path.
        sender_id = sender.decode() if sender else ""
        publication = Publication(int(offset), int(prev), data, int(time), sender_id, id.decode() if id else "")
        return Hint(channel, epoch.decode(), publication)
    except ValueError:
        return Hint(channel, "", None)  # somebody else published there; the stream has the truth


def parse_entries(entries: Sequence[bytes]) -> list[Publication]:
    """Read `[id, format, body, …]`; leaves out unknown formats, so that the next one's `prev` shows a gap."""
    threes = zip(entries[::3], entries[1::3], entries[2::3], strict=True)
    return [_publication(offset_of(id), body) for id, format, body in threes if format == FORMAT]


def offset_of(id: bytes) -> int:
    """Read the offset out of a stream entry's id, `<offset>-0`."""
    return int(id.partition(b"-")[0])


def _publication(offset: int, body: bytes) -> Publication:
    prev, time, sender, id, data = body.split(b"\n", 4)
    return Publication(offset, int(prev), data, int(time), sender.decode(), id.decode())
