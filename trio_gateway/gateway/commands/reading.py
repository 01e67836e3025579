"""What clients may ask of a channel without being in it: who is there, and what was published."""

from __future__ import annotations

from trio_gateway.broker.broker import Broker
from trio_gateway.model.errors import Unrecoverable
from trio_gateway.model.position import Position
from trio_gateway.model.publication import Publication
from trio_gateway.model.recovery import Stored
from trio_gateway.model.replies import Counted, Kept, Present
from trio_gateway.session.effects import ReadHistory, ReadPresence

MAX_BYTES = 1024 * 1024
"""Of data in one answer, after which no more is read; the client reads on from the last offset it got."""


async def read_presence(broker: Broker, asked: ReadPresence) -> Present | Counted:
    """Find out who is in a channel, or how many; raises BrokerUnavailable."""
    if asked.counted:
        return Counted(asked.ref, await broker.presence_statistics(asked.channel))
    return Present(asked.ref, await broker.presence(asked.channel))


async def read_history(broker: Broker, asked: ReadHistory) -> Kept:
    """Read publications of a channel; raises BrokerUnavailable, and Unrecoverable for a position of another epoch (§6.2).

    Makes the channel's epoch where it has none: a client may come back with it.
    """
    attachment = await broker.attach(asked.channel)
    if asked.since is not None and asked.since.epoch not in ("", attachment.epoch):
        raise Unrecoverable("that position is of another epoch")
    stored = await _read(broker, asked) if asked.limit else Stored(attachment.epoch, attachment.top, ())
    return Kept(asked.ref, stored.publications, Position(stored.epoch, stored.top))


async def _read(broker: Broker, asked: ReadHistory) -> Stored:
    """Read on, page by page, until there are enough or no more, or a bound is reached."""
    offset = 0 if asked.since is None else asked.since.offset
    read = broker.read_back if asked.reverse else broker.read
    publications: list[Publication] = []
    size = 0
    while True:
        stored = await read(asked.channel, offset, asked.limit - len(publications))
        publications += stored.publications
        size += sum(len(publication.data) for publication in stored.publications)
        if not stored.publications or len(publications) >= asked.limit or size >= MAX_BYTES:
            return Stored(stored.epoch, stored.top, publications)
        offset = publications[-1].offset
