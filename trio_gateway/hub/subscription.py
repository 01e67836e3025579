"""A subscription is a cursor of one client in one topic: nothing is queued for it.

It is *live* while the hub writes new frames straight to its client, and *behind* while the client's
writer task polls for it. It begins behind, and it is live again only by its own cursor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import trio

from trio_gateway.model.position import Position
from trio_gateway.model.tags_filter import TagsFilter
from trio_gateway.wire.codec import Codec

if TYPE_CHECKING:
    from trio_gateway.hub.audience import Audience
    from trio_gateway.hub.delta_audience import DeltaAudience
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
    `positioned` may be set, for a client that is told of no gap but must begin anew, `watches`, for
    one that is told who comes and goes, and, for one that wants publications other than as they are, either
    `delta` or a `filter`. Of one that gets deltas, `has_base` says that it was sent the publication at its cursor.
    """

    __slots__ = (
        "behind_since",
        "cursor",
        "delta",
        "epoch",
        "filter",
        "has_base",
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
        self.delta = False
        self.filter: TagsFilter | None = None
        self.has_base = False
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
    def has_view(self) -> bool:
        """Tell whether the client wants publications other than as they are."""
        return self.delta or self.filter is not None

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
        self._audience().add(self)

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
            self._audience().remove(self)
            if self.filter is not None:
                self.topic.have_views().leave(self.filter, self.subscriber.codec)
            elif self.delta:
                self.topic.have_views().leave_deltas()

    def _audience(self) -> Audience | DeltaAudience:
        topic, codec = self.topic, self.subscriber.codec
        if self.filter is not None:
            return topic.have_views().filtered_audience(self.filter, codec, topic.channel, topic.epoch, topic.top)
        if self.delta:
            return topic.have_views().delta_audience(codec, topic.channel, topic.epoch)
        return topic.audience(codec)
