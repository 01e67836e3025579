"""A subscription is a cursor of one client in one topic: nothing is queued for it.

It is *live* while the hub writes new frames straight to its client, and *behind* while the client's
writer task polls for it. It begins behind, and it is live again only by its own cursor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import trio

from trio_gateway.model.position import Position
from trio_gateway.wire.codec import Codec

if TYPE_CHECKING:
    from trio_gateway.hub.topic import Topic


class Outlet(Protocol):
    """Write whole frames to one client; the client's socket is one."""

    def send_nowait(self, joined: bytes, frames: Sequence[bytes]) -> int:
        """Write the frames (`joined` is their concatenation) as far as the client takes them without waiting.

        Answers the number of frames of which at least one byte went out: those are the client's now.
        0 where something is still half-written or the connection is over.
        """


class Subscriber:
    """Hold what one client's writer task needs: the way out, and the subscriptions that are behind."""

    __slots__ = ("behind", "codec", "outlet", "wake")

    def __init__(self, outlet: Outlet, codec: Codec, wake: Wake) -> None:
        self.outlet = outlet
        self.codec = codec
        self.wake = wake
        self.behind: dict[Subscription, None] = {}


class Wake(Protocol):
    """Wake one client's writer task."""

    def __call__(self) -> None:
        """Wake it; it looks for itself at what there is to do."""


class InsufficientState(Exception):
    """Tell that publications are missing which a positioned subscription was promised."""

    def __init__(self, subscription: Subscription) -> None:
        super().__init__(subscription.topic.channel)
        self.subscription = subscription


class Subscription:
    """Stand at one cursor of one topic for one client.

    `epoch` and `cursor` say what the client has; an empty epoch stands before everything kept.
    `behind_since` is the time at which it fell behind, of meaning only while it is. Before the start,
    `positioned` may be set, for a client that is told of no gap but must begin anew, and `watches`, for
    one that is told who comes and goes.
    """

    __slots__ = (
        "behind_since",
        "cursor",
        "epoch",
        "live",
        "outlet",
        "positioned",
        "started",
        "subscriber",
        "topic",
        "watches",
    )

    def __init__(self, topic: Topic, subscriber: Subscriber, position: Position) -> None:
        self.topic = topic
        self.subscriber = subscriber
        self.outlet = subscriber.outlet
        self.epoch = position.epoch
        self.cursor = position.offset
        self.live = False
        self.started = False
        self.positioned = False
        self.watches = False
        self.behind_since = 0.0

    @property
    def position(self) -> Position:
        """Give where the client stands: everything up to there was handed to its socket."""
        return Position(self.epoch, self.cursor)

    @property
    def greeting(self) -> Position:
        """Give where delivery starts, as the client is told: "everything kept" starts in the topic's own epoch."""
        return Position(self.epoch or self.topic.epoch, self.cursor)

    @property
    def caught_up(self) -> bool:
        """Tell whether the topic knows nothing that this client has not got."""
        return self.epoch == self.topic.epoch and self.cursor >= self.topic.top

    def start(self) -> None:
        """Become visible to the hub; called in the same step in which the reply was handed to the socket."""
        self.started = True
        if self.watches:
            self.topic.audience(self.subscriber.codec).watch(self)
        if self.caught_up:
            self.go_live()
        else:
            self.fall_behind()

    def go_live(self) -> None:
        """Let the hub write to the client from now on; without a checkpoint after `caught_up`."""
        self.subscriber.behind.pop(self, None)
        self.live = True
        self.topic.audience(self.subscriber.codec).add(self)

    def fall_behind(self) -> None:
        """Leave the rest to the client's writer task."""
        self._leave_audience()
        if self.started and self not in self.subscriber.behind:
            self.behind_since = trio.current_time()
            self.subscriber.behind[self] = None
            self.subscriber.wake()

    def stop(self) -> None:
        """Get nothing any more."""
        self.started = False
        if self.watches:
            self.topic.audience(self.subscriber.codec).unwatch(self)
        self._leave_audience()
        self.subscriber.behind.pop(self, None)

    def _leave_audience(self) -> None:
        if self.live:
            self.live = False
            self.topic.audience(self.subscriber.codec).remove(self)
