"""Which names are followed, and which confirmations are still to come: they come in order, per name.

Pure bookkeeping. A name followed, left and followed again has three confirmations to come, and only
the third one makes the second follow true.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

import trio


class Subscription:
    """Stand for one followed name, from its follow to its unfollow, over reconnects."""

    __slots__ = ("_waiters", "channel", "confirmed")

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self.confirmed = False
        self._waiters: trio.Event | None = None

    async def wait_confirmed(self) -> None:
        """Wait until the server confirmed it; the caller has the deadline."""
        while not self.confirmed:
            if self._waiters is None:
                self._waiters = trio.Event()
            await self._waiters.wait()

    def confirm(self) -> None:
        """Note that hints come from now on."""
        self.confirmed = True
        if self._waiters is not None:
            self._waiters.set()
            self._waiters = None


class Subscriptions:
    """Hold the followed names (as bytes) and match confirmations with what was sent."""

    def __init__(self) -> None:
        self._followed: dict[bytes, Subscription] = {}
        self.get: Callable[[bytes], Subscription | None] = self._followed.get
        """Finds the subscription of a name; None where it is not followed (any more). Called for each hint."""
        self._to_come: dict[bytes, deque[Subscription | None]] = {}

    def __len__(self) -> int:
        return len(self._followed)

    def add(self, name: bytes, channel: str) -> Subscription:
        """Follow a name from now on, whatever becomes of the link."""
        subscription = self._followed[name] = Subscription(channel)
        return subscription

    def discard(self, name: bytes) -> None:
        """Follow a name no more."""
        self._followed.pop(name, None)

    def names(self) -> list[bytes]:
        """List what is followed."""
        return list(self._followed)

    def note_subscribed(self, names: Iterable[bytes]) -> None:
        """Note that a SUBSCRIBE of these names was written: its confirmations are theirs."""
        for name in names:
            self._to_come.setdefault(name, deque()).append(self._followed.get(name))

    def note_unsubscribed(self, name: bytes) -> None:
        """Note that an UNSUBSCRIBE was written: its confirmation is nobody's."""
        self._to_come.setdefault(name, deque()).append(None)

    def take_confirmation(self, name: bytes) -> None:
        """Give the next confirmation of a name to the one it belongs to."""
        waiting = self._to_come.get(name)
        if not waiting:
            return
        subscription = waiting.popleft()
        if not waiting:
            del self._to_come[name]
        if subscription is not None:
            subscription.confirm()

    def note_lost(self) -> None:
        """Note that the link is gone: nothing is confirmed, and no confirmation is to come any more."""
        self._to_come.clear()
        for subscription in self._followed.values():
            subscription.confirmed = False
