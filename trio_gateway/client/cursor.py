"""What the application has processed of the inbox, and what of that the server has yet to be told.

The server takes an acknowledgement only up to what it sent on the same connection (or where that
began), and only in its current epoch; what it would refuse waits here, or is dropped.
"""

from __future__ import annotations

import trio

from trio_gateway.model.position import Position


class Cursor:
    """Hold the device's cursor: processed here, told to the server now and then."""

    def __init__(self) -> None:
        self._processed: Position | None = None
        self._told: Position | None = None
        self._sent: Position | None = None
        self._moved = trio.Event()

    def begin(self, start: Position) -> None:
        """Begin a connection whose delivery starts here: what was told before may have been lost."""
        self._told = None
        self._sent = start

    def note_sent(self, position: Position) -> None:
        """Note that the server sent the inbox up to this position on this connection."""
        if self._sent is None or position.epoch != self._sent.epoch or position.offset > self._sent.offset:
            self._sent = position
            self._moved.set()

    def advance(self, position: Position) -> None:
        """Note that the inbox is processed up to this position; never goes back, nor to an epoch that has passed."""
        if self._sent is None or not position.epoch:
            return
        at = self._processed
        newer_epoch = (at is None or at.epoch != position.epoch) and position.epoch == self._sent.epoch
        if newer_epoch or (at is not None and at.epoch == position.epoch and at.offset < position.offset):
            self._processed = position
            self._moved.set()

    def due(self) -> Position | None:
        """Tell what to tell the server now, if anything."""
        at, sent = self._processed, self._sent
        if at is None or sent is None or at == self._told or at.epoch != sent.epoch or at.offset > sent.offset:
            return None
        return at

    def take_due(self) -> Position | None:
        """Give what is due, and count it as told."""
        position = self.due()
        self._told = position or self._told
        return position

    def forget_told(self) -> None:
        """Count nothing as told: what was on its way to the socket may not have got there."""
        self._told = None

    async def wait_due(self) -> None:
        """Wait until something is due."""
        while self.due() is None:
            self._moved = trio.Event()
            await self._moved.wait()
