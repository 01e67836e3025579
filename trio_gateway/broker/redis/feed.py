"""The feed is the one subscription connection of a node: one read of it becomes one batch of hints.

It follows the same channels again after every reconnect, and then says so, since hints may be missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import trio
from redis import exceptions

from trio_gateway.broker.broker import Hint, Listener
from trio_gateway.broker.redis.address import Address
from trio_gateway.broker.redis.connection import Connection, Open
from trio_gateway.broker.redis.entries import parse_hint
from trio_gateway.broker.redis.keys import Keys
from trio_gateway.broker.redis.link import Bounds, Link
from trio_gateway.broker.redis.subscriptions import Subscription, Subscriptions

BATCH = 500
"""Names in one SUBSCRIBE when all are followed again."""

CONFIRMATIONS = (b"subscribe", b"unsubscribe")

TakePayload = Callable[[bytes], None]


class Feed:
    """Follow channels, and hand what comes to a listener.

    `own` are pub/sub names of the gateway's own, always followed, whose payloads go elsewhere.
    """

    def __init__(
        self,
        address: Address,
        keys: Keys,
        name: str,
        *,
        own: Mapping[str, TakePayload],
        bounds: Bounds | None = None,
        open_stream: Open | None = None,
    ) -> None:
        self._keys = keys
        self._own = {channel.encode(): take for channel, take in own.items()}
        self._subscriptions = Subscriptions()
        self._listener: Listener | None = None
        # The own names are subscribed last: confirmed, everything before them on that link is as well.
        self._last = list(self._own)[-1]
        self._link: Link | None = None
        self._complete = trio.Event()
        self._resuming = False
        self.heard_at: float | None = None
        self.busy = False
        self.connection = Connection(
            address,
            name,
            prepare=self._follow_all,
            note_lost=self._note_lost,
            take_pushes=self._take_pushes,
            bounds=bounds,
            open_stream=open_stream,
        )

    async def serve(self, listener: Listener) -> None:
        """Hand hints to the listener until cancelled.

        The listener must not wait for `follow` in them: its confirmation comes by the same read.
        """
        self._listener = listener
        await self.connection.serve()

    async def follow(self, channel: str) -> None:
        """Follow a channel; returns when the server has confirmed it.

        Raises redis.exceptions.ConnectionError where the feed is away, TimeoutError where no confirmation
        came in time; the channel is not followed then.
        """
        name = self._keys.hints(channel).encode()
        subscription = self._subscriptions.get(name)
        if subscription is None:
            subscription = self._begin(name, channel)
        if subscription.confirmed:
            return
        try:
            with trio.move_on_after(self.connection.bounds.deadline):
                await subscription.wait_confirmed()
        finally:
            self._end_unconfirmed(name, subscription, channel)
        if not subscription.confirmed:
            raise exceptions.TimeoutError(self.connection.reason or "the feed does not answer")

    def unfollow_nowait(self, channel: str) -> None:
        """Stop following a channel."""
        name = self._keys.hints(channel).encode()
        if self._subscriptions.get(name) is None:
            return
        self._subscriptions.discard(name)
        if (link := self._live_link()) is not None:
            link.send_nowait("UNSUBSCRIBE", name)
            self._subscriptions.note_unsubscribed(name)

    def is_silent_since(self, moment: float) -> bool:
        """Tell whether nothing came since a moment although the feed was listening."""
        return not self.busy and (self.heard_at is None or self.heard_at <= moment)

    def age(self) -> float | None:
        """Give the seconds since anything came, None before the first."""
        return None if self.heard_at is None else trio.current_time() - self.heard_at

    def _begin(self, name: bytes, channel: str) -> Subscription:
        subscription = self._subscriptions.add(name, channel)
        if (link := self._live_link()) is not None:
            link.send_nowait("SUBSCRIBE", name)
            self._subscriptions.note_subscribed([name])
        return subscription

    def _end_unconfirmed(self, name: bytes, subscription: Subscription, channel: str) -> None:
        if not subscription.confirmed and self._subscriptions.get(name) is subscription:
            self.unfollow_nowait(channel)

    def _live_link(self) -> Link | None:
        """Show the link that subscriptions go to, which is there before `connection.link` is."""
        return None if self._link is None or self._link.lost else self._link

    async def _follow_all(self, link: Link) -> None:
        """Follow everything on a fresh link, and wait until all of it is confirmed."""
        self._link, self._complete = link, trio.Event()
        names = [*self._subscriptions.names(), *self._own]
        for start in range(0, len(names), BATCH):
            batch = names[start : start + BATCH]
            link.send_nowait("SUBSCRIBE", *batch)
            self._subscriptions.note_subscribed(batch)
        await self._complete.wait()

    def _note_lost(self) -> None:
        self._link = None
        self._subscriptions.note_lost()
        self._resuming = True

    async def _take_pushes(self, pushes: list[Any]) -> None:
        self.heard_at = trio.current_time()
        hints = self._sort(pushes)
        assert self._listener is not None, "the feed is served with a listener"
        self.busy = True
        try:
            if hints:
                await self._listener.take_hints(hints)
            if self._resuming and self._complete.is_set():
                self._resuming = False
                await self._listener.take_feed_resumed()
        finally:
            self.busy = False

    def _sort(self, pushes: list[Any]) -> list[Hint]:
        hints = []
        subscription_of = self._subscriptions.get
        for kind, name, payload in pushes:
            if kind == b"message":
                subscription = subscription_of(name)
                if subscription is not None:
                    hints.append(parse_hint(subscription.channel, payload))
                elif name in self._own:
                    self._own[name](payload)
            elif kind in CONFIRMATIONS:
                self._take_confirmation(name)
        return hints

    def _take_confirmation(self, name: bytes) -> None:
        self._subscriptions.take_confirmation(name)
        if name == self._last:
            self._complete.set()
