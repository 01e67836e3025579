"""What outlives every single connection of an inbox: how far each channel came, the cursor, the buffer."""

from __future__ import annotations

from trio_gateway.client.buffer import Buffer
from trio_gateway.client.cursor import Cursor
from trio_gateway.client.frames import GapFrame, Hello, MessageFrame, read_position
from trio_gateway.client.progress import Progress
from trio_gateway.client.values import Received
from trio_gateway.model.channel import inbox_of
from trio_gateway.model.position import Position


class Delivery:
    """Take what the server sends, once, and hold it until the application asks for it."""

    def __init__(self, progress: Progress, cursor: Cursor, buffer: Buffer) -> None:
        self.progress = progress
        self.cursor = cursor
        self.buffer = buffer

    def begin(self, hello: Hello) -> None:
        """Begin a connection: learn whose inbox it is, and where its delivery starts."""
        start = read_position(hello.position)
        self.progress.inbox_name = inbox_of(hello.user)
        self.progress.inbox.resume(start)
        self.cursor.begin(start)

    async def take(self, frame: MessageFrame | GapFrame, size: int) -> None:
        """Take what arrived, unless it was taken before; waits while the buffer is full."""
        value = self.progress.take(frame)
        if frame.channel == self.progress.inbox_name:
            self.cursor.note_sent(self._position_of(frame))
        if value is not None:
            await self.buffer.put(value, size)

    def acknowledge(self, value: Received) -> None:
        """Note that a value is processed; only the inbox has cursors, so other channels' pass by."""
        if value.channel == self.progress.inbox_name:
            self.cursor.advance(value.position)

    def _position_of(self, frame: MessageFrame | GapFrame) -> Position:
        if isinstance(frame, GapFrame):
            return read_position(frame.position)
        taken = self.progress.inbox.taken
        return Position(taken.epoch if taken else "", frame.offset)
