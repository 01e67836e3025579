"""A position is a place in one channel's history: an epoch and an offset in it."""

from __future__ import annotations

import attrs

from trio_gateway.model.errors import BadRequest

MAX_OFFSET = 2**53 - 1
"""Offsets are whole numbers that a JavaScript number and a Lua number hold exactly."""

EVERYTHING_KEPT = "0"
"""What a client writes as `since` to get everything that is still kept."""


@attrs.frozen
class Position:
    """Tell one place in a channel's history from every other.

    `epoch` names the history (it changes when the store lost it), `offset` is the last publication
    before the place, 0 for the place before the first one. A publication that was not kept
    (history size 0) has the position `Position("", 0)`.
    """

    epoch: str
    offset: int

    def __str__(self) -> str:
        return f"{self.epoch}:{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Position:
        """Read `<epoch>:<offset>`.

        Raises BadRequest when the text has another form or the offset is not in 0 … 2**53-1.
        """
        epoch, colon, digits = text.rpartition(":")
        if not (colon and epoch and len(epoch) <= 64 and digits.isascii() and digits.isdigit() and len(digits) <= 16):
            raise BadRequest(f"a position has the form <epoch>:<offset>, not {text[:80]!r}")
        offset = int(digits)
        if offset > MAX_OFFSET:
            raise BadRequest(f"an offset is at most {MAX_OFFSET}")
        return cls(epoch, offset)

    @classmethod
    def parse_since(cls, text: str) -> Position:
        """Read `<epoch>:<offset>`, or `0` for everything kept, which is `Position("", 0)`."""
        return START if text == EVERYTHING_KEPT else cls.parse(text)


START = Position("", 0)
"""Before everything that is kept, in whatever epoch."""
