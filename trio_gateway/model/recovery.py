"""Recovery is one pure function: where a client stands and what is kept, to what it gets next.

Offsets may jump, so continuity is told by `prev`: a publication continues a cursor exactly when
`prev <= cursor < offset`.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from trio_gateway.model.position import Position
from trio_gateway.model.publication import Gap, Publication


@attrs.frozen
class Stored:
    """Answer one read of the store: the channel's epoch, its top offset, and publications after the offset asked for.

    `epoch` is empty where the store knows no such channel. The publications are the oldest ones, in
    order; there may be more.
    """

    epoch: str
    top: int
    publications: Sequence[Publication]


@attrs.frozen
class Recovered:
    """Say what a client gets next: perhaps a gap, then publications, after which it stands at `cursor`."""

    gap: Gap | None
    publications: Sequence[Publication]
    cursor: Position


def recover(position: Position, stored: Stored) -> Recovered:
    """Decide what a client at `position` gets of what the store answered to a read after it.

    The caller reads after `position.offset`; when the epoch differs, or the position is START,
    it must have read after 0.
    """
    if position.epoch != stored.epoch:
        return _from_the_start(position, stored)
    if position.offset >= stored.top:
        # Beyond the top the store lost its tail; later offsets are larger than anything seen.
        return Recovered(None, (), Position(stored.epoch, stored.top))
    return _after(position.offset, stored)


def _from_the_start(position: Position, stored: Stored) -> Recovered:
    kept = stored.publications
    start = Position(stored.epoch, kept[0].prev if kept else stored.top)
    gap = Gap(None, None, start.epoch, start.offset) if position.epoch else None
    return Recovered(gap, kept, _end(start, kept))


def _after(offset: int, stored: Stored) -> Recovered:
    kept = stored.publications
    resumed = kept[0].prev if kept else stored.top
    gap = Gap(offset + 1, resumed, stored.epoch, resumed) if resumed > offset else None
    return Recovered(gap, kept, _end(Position(stored.epoch, max(offset, resumed)), kept))


def _end(start: Position, kept: Sequence[Publication]) -> Position:
    return Position(start.epoch, kept[-1].offset) if kept else start
