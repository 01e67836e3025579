"""How far each channel was taken, over all connections: nothing is taken twice, and what is next is known.

The wire names epochs only where they begin (hello, the answer to a subscribe, a gap), so the current
epoch of each channel is kept here. Not of the wire: what the application has processed (cursor.py).
"""

from __future__ import annotations

import attrs

from trio_gateway.client.frames import GapFrame, MessageFrame, read_position
from trio_gateway.client.values import ReceivedGap, ReceivedMessage
from trio_gateway.model.position import START, Position


@attrs.define
class ChannelProgress:
    """Know up to where one channel was taken; `taken` is None before anything is known."""

    taken: Position | None = None

    def resume(self, start: Position) -> None:
        """Learn where delivery starts on a new connection; within one epoch nothing goes back."""
        if self.taken is None or start.epoch != self.taken.epoch or start.offset > self.taken.offset:
            self.taken = start

    def take_message(self, frame: MessageFrame) -> ReceivedMessage | None:
        """Take a message; None when it was taken before."""
        position = self._advance(frame.offset)
        if position is None:
            return None
        return ReceivedMessage(frame.channel, frame.offset, frame.data, frame.time, frame.id, frame.sender, position)

    def take_gap(self, frame: GapFrame) -> ReceivedGap | None:
        """Take a gap; None when all that it names was taken before."""
        position = read_position(frame.position)
        same_epoch = self.taken is not None and self.taken.epoch == position.epoch
        if frame.last is not None and same_epoch and self.taken is not None and frame.last <= self.taken.offset:
            return None
        self.resume(position)
        return ReceivedGap(frame.channel, frame.first, frame.last, position)

    def _advance(self, offset: int) -> Position | None:
        if not offset:
            return START
        taken = self.taken or START
        if offset <= taken.offset:
            return None
        self.taken = Position(taken.epoch, offset)
        return self.taken


class Progress:
    """Hold the progress of the inbox and of every subscribed channel."""

    def __init__(self, since: Position | None) -> None:
        self.inbox = ChannelProgress()
        self.inbox_name: str | None = None
        self.channels: dict[str, ChannelProgress] = {}
        self._since = since

    @property
    def since(self) -> Position | None:
        """Tell from where to ask for the inbox: what the user said at first, then where we are; None: from the end."""
        taken = self.inbox.taken
        return taken if taken is not None and taken.epoch else self._since

    def of(self, channel: str) -> ChannelProgress | None:
        """Find the progress of a channel; None for one that is not (or no longer) subscribed."""
        return self.inbox if channel == self.inbox_name else self.channels.get(channel)

    def take(self, frame: MessageFrame | GapFrame) -> ReceivedMessage | ReceivedGap | None:
        """Take what arrived; None when it was taken before, or its channel is not subscribed."""
        channel = self.of(frame.channel)
        if channel is None:
            return None
        return channel.take_message(frame) if isinstance(frame, MessageFrame) else channel.take_gap(frame)
