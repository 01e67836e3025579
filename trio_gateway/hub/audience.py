"""An audience is the live subscriptions of one topic in one codec: they all get the same bytes.

This is the fan-out path: nothing is done per client but the send.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice

import trio

from trio_gateway.hub.subscription import Subscription
from trio_gateway.hub.tail import Entry
from trio_gateway.model.publication import Publication
from trio_gateway.wire.codec import Codec

SENDS_PER_TURN = 1000
"""After so many sends the event loop gets its turn: 1,000 sends are about 7 ms, 10,000 would be 70."""


class Audience:
    """Write new frames to everybody who is caught up."""

    def __init__(self, codec: Codec, channel: str) -> None:
        self._name = codec.name
        self.encode: Callable[[Publication], bytes] = codec.publication_encoder(channel)
        self._live: dict[Subscription, None] = {}
        self._clients: tuple[Subscription, ...] | None = None
        self._era = 0

    def add(self, subscription: Subscription) -> None:
        """Write to a subscription from now on."""
        self._live[subscription] = None
        self._clients = None

    def remove(self, subscription: Subscription) -> None:
        """Write to a subscription no more."""
        del self._live[subscription]
        self._clients = None

    def void(self) -> None:
        """Let everybody fall behind, and stop a write that is waiting for its next turn: a new epoch began."""
        self._era += 1
        for subscription in tuple(self._live):
            subscription.fall_behind()

    def write_nowait(self, entries: Sequence[Entry]) -> None:
        """Write the entries, which continue each other, in one send per client.

        Whoever does not take all of them falls behind at the last frame of which a byte went out.
        """
        clients = self._clients
        if clients is None:
            # Kept from write to write: clients come and go far less often than publications.
            clients = self._clients = tuple(self._live)
        if clients:
            joined, frames = self._join(entries)
            self._write_to(clients, joined, frames, entries)

    async def write(self, entries: Sequence[Entry]) -> None:
        """Write as `write_nowait` does, and give way after every SENDS_PER_TURN clients.

        Clients that join meanwhile are told from the others by their cursor.
        """
        if len(self._live) <= SENDS_PER_TURN:
            self.write_nowait(entries)
            return
        joined, frames = self._join(entries)
        clients, era = iter(tuple(self._live)), self._era
        while era == self._era and (turn := tuple(islice(clients, SENDS_PER_TURN))):
            self._write_to(turn, joined, frames, entries)
            await trio.lowlevel.checkpoint()

    def _join(self, entries: Sequence[Entry]) -> tuple[bytes, Sequence[bytes]]:
        if len(entries) == 1:
            frame = entries[0].frame(self._name, self.encode)
            return frame, (frame,)
        frames = [entry.frame(self._name, self.encode) for entry in entries]
        return b"".join(frames), frames

    def _write_to(
        self, clients: Iterable[Subscription], joined: bytes, frames: Sequence[bytes], entries: Sequence[Entry]
    ) -> None:
        prev, first = entries[0].publication.prev, entries[0].publication.offset
        last, count = entries[-1].publication.offset, len(frames)
        for subscription in clients:
            cursor = subscription.cursor
            if cursor >= last or not subscription.live:
                if last == 0 and subscription.live:  # no history: at most once, to whoever can take it now
                    subscription.send_nowait(joined, frames)
                continue
            if not prev <= cursor < first:
                subscription.fall_behind()
                continue
            taken = subscription.send_nowait(joined, frames)
            if taken == count:
                subscription.cursor = last
            else:
                if taken:
                    subscription.cursor = entries[taken - 1].publication.offset
                subscription.fall_behind()
