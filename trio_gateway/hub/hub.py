"""The hub follows each channel once, however many of this node's clients subscribe to it.

It is the broker's listener: hints come in, go into topics, and from there to whoever is live.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import suppress

import attrs
import trio

from trio_gateway.broker.broker import Ack, Attachment, Broker, Hint
from trio_gateway.hub.acks import PendingAcks
from trio_gateway.hub.audience import SENDS_PER_TURN, Write, send_nowait
from trio_gateway.hub.catch_up import CatchUp
from trio_gateway.hub.presence import Presence
from trio_gateway.hub.recovery import Recovery
from trio_gateway.hub.replay import Replay
from trio_gateway.hub.shared_reads import SharedReads
from trio_gateway.hub.subscription import Subscriber, Subscription
from trio_gateway.hub.tail import TailBudget
from trio_gateway.hub.topic import Topic
from trio_gateway.model.channel import is_reserved
from trio_gateway.model.errors import BrokerUnavailable
from trio_gateway.model.position import Position
from trio_gateway.settings.namespaces import Namespaces

LINGER_SECONDS = 5.0
"""A topic outlives its last subscriber: who reconnects finds it open."""

IDLE_CHECK_SECONDS = 20.0
"""A topic that nothing reached for so long is compared with the store (jittered by a quarter)."""

OPEN_SECONDS = 1.9
"""A client learns within 2 s that the store is away, also when many wait for one channel."""

TICK_SECONDS = 1.0


@attrs.frozen
class HubStatistics:
    """Show what the hub holds: topics and subscriptions of clients (the gateway's own left out), bytes in tails."""

    topics: int
    subscriptions: int
    tail_bytes: int


class Hub:
    """Hold this node's topics."""

    def __init__(self, broker: Broker, namespaces: Namespaces, presence_ttl: float = 60.0) -> None:
        self._broker = broker
        self._namespaces = namespaces
        self._topics: dict[str, Topic] = {}
        self._lingering: dict[Topic, float] = {}
        self._budget = TailBudget()
        self._subscriptions = 0
        self.recovery = Recovery(broker)
        self._acks = PendingAcks(broker)
        self._reads = SharedReads(broker)
        self.catch_up = CatchUp(self._reads, self.recovery)
        self._replay = Replay(self._reads)
        self.replay, self.replay_latest = self._replay.replay, self._replay.replay_latest
        self.presence = Presence(broker, presence_ttl)

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Recover dirty topics, write acks and tend idle topics until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.recovery.serve)
            nursery.start_soon(self._acks.serve)
            nursery.start_soon(self.presence.serve)
            nursery.start_soon(self._tend)
            task_status.started()

    async def take_hints(self, hints: Sequence[Hint]) -> None:
        """Put hints into their topics, and send what is new, what continues in one send.

        Gives way after SENDS_PER_TURN sends; what is made here for a turn is sent in it.
        """
        topics, mark = self._topics, self.recovery.mark
        writes: list[Write] = []
        many: dict[Topic, None] = {}
        made, sends = 0, 0.0
        for hint in hints:
            topic = topics.get(hint.channel)
            if topic is None:
                continue
            if not topic.take(hint, writes):
                mark(topic)
                continue
            if len(writes) > made:
                made = len(writes)
                sends += topic.users
            elif topic.has_fresh:
                many[topic] = None
                continue
            if topic.views is not None and hint.publication is not None:
                sends += topic.views.sends(hint.publication)  # also where nobody wanted it
            if sends >= SENDS_PER_TURN:
                send_nowait(writes)
                writes, made, sends = [], 0, 0
                await trio.lowlevel.checkpoint()
        send_nowait(writes)
        for topic in many:
            await topic.fan_out()

    async def take_feed_resumed(self) -> None:
        """Read every topic anew: hints may have passed while the feed was away."""
        for topic in self._topics.values():
            self.recovery.mark(topic)
        await trio.lowlevel.checkpoint()

    async def subscribe(
        self, subscriber: Subscriber, channel: str, *, since: Position | None = None, device: str = ""
    ) -> Subscription:
        """Prepare a subscription that starts after `since`, at the device's cursor, or at the end.

        Nothing is delivered before its `start()`. Raises BrokerUnavailable when the store is needed
        and away, UnknownChannel when the namespace is not configured.
        """
        with trio.move_on_after(OPEN_SECONDS) as deadline:
            topic, attachment = await self._open(channel, device, since)
        if deadline.cancelled_caught:
            raise BrokerUnavailable("the channel could not be opened in time")
        position = self._starting_position(topic, attachment, device, since)
        self._subscriptions += not is_reserved(channel)
        return Subscription(topic, subscriber, position)

    def unsubscribe(self, subscription: Subscription) -> None:
        """End a subscription; the topic lingers a moment after its last one."""
        subscription.stop()
        self._subscriptions -= not is_reserved(subscription.topic.channel)
        self._release(subscription.topic)

    def acknowledge_nowait(self, channel: str, device: str, position: Position) -> None:
        """Move a device's cursor in a channel soon."""
        self._acks.add_nowait(Ack(channel, device, position))

    def forget(self, channel: str) -> None:
        """Give up the publications of a channel that are in memory: who is behind, or comes back, gets what the store has."""
        topic = self._topics.get(channel)
        if topic is not None:
            topic.clear_tail()
            self._reads.forget(topic)

    async def flush(self) -> None:
        """Write the acks and the leaves that are pending; the caller has the deadline."""
        await self._acks.flush()
        with suppress(BrokerUnavailable):
            await self.presence.flush()

    def subscribers(self) -> Iterator[tuple[str, int]]:
        """Give the channels that this node has subscribers of, and how many; the gateway's own are left out."""
        topics = self._topics.items()
        return ((channel, topic.users) for channel, topic in topics if topic.users and not is_reserved(channel))

    def statistics(self) -> HubStatistics:
        """Show what the hub holds now."""
        topics = sum(1 for channel in self._topics if not is_reserved(channel))
        return HubStatistics(topics, self._subscriptions, self._budget.used)

    async def _open(self, channel: str, device: str, since: Position | None) -> tuple[Topic, Attachment]:
        """Find the channel's topic, opened at the first call, and attach the device where there is one."""
        topic = self._topics.get(channel)
        if topic is None:
            max_behind, makes_deltas = self._namespaces.max_behind_of(channel), self._namespaces.makes_deltas(channel)
            topic = Topic(channel, self._budget, max_behind, makes_deltas=makes_deltas)
            self._topics[channel] = topic
        self._hold(topic)
        try:
            if topic.open:
                return topic, await self._attach(topic, device, since)
            async with topic.reading:
                return topic, await self._open_alone(topic, device, since)
        except BaseException:
            self._release(topic)
            raise

    async def _open_alone(self, topic: Topic, device: str, since: Position | None) -> Attachment:
        """Follow first, then read: a hint that passes in between makes the topic dirty and is not lost."""
        if not topic.open:
            await self._broker.follow(topic.channel)
        attachment = await self._attach(topic, device, since)
        topic.open = True
        return attachment

    async def _attach(self, topic: Topic, device: str, since: Position | None) -> Attachment:
        if topic.open and not device and not topic.is_behind(since):
            return Attachment(topic.epoch, topic.top)
        attachment = await self._broker.attach(topic.channel, device=device, since=since)
        if attachment.epoch == topic.epoch:
            return attachment
        if topic.open:
            self.recovery.mark(topic)
        else:
            topic.begin(attachment.epoch, attachment.top)
        return attachment

    def _starting_position(self, topic: Topic, attachment: Attachment, device: str, since: Position | None) -> Position:
        if since is not None:
            return _clamped(since, attachment)
        cursor = attachment.cursor
        if cursor is None:
            return Position(attachment.epoch, attachment.top)
        pending = self._acks.newest(topic.channel, device)
        if (
            pending
            and pending.epoch == attachment.epoch
            and (cursor.epoch != pending.epoch or cursor.offset < pending.offset)
        ):
            return pending
        return cursor

    def _hold(self, topic: Topic) -> None:
        topic.hold()
        self._lingering.pop(topic, None)

    def _release(self, topic: Topic) -> None:
        topic.users -= 1
        if not topic.users:
            self._lingering[topic] = trio.current_time() + LINGER_SECONDS

    async def _tend(self) -> None:
        while True:
            await trio.sleep(TICK_SECONDS)
            now = trio.current_time()
            self._close_lingering(now)
            self._check_idle(now)
            self._reads.drop_old()

    def _close_lingering(self, now: float) -> None:
        while self._lingering:
            topic, deadline = next(iter(self._lingering.items()))
            if deadline > now:
                return
            del self._lingering[topic]
            self._close(topic)

    def _close(self, topic: Topic) -> None:
        topic.close()
        self.recovery.forget(topic)
        del self._topics[topic.channel]
        self._broker.unfollow_nowait(topic.channel)

    def _check_idle(self, now: float) -> None:
        for topic in self._topics.values():
            if now - topic.checked > IDLE_CHECK_SECONDS:
                topic.checked = now + random.uniform(0, IDLE_CHECK_SECONDS / 4)  # noqa: S311 - jitter, not a secret
                if not topic.active:
                    topic.clear_tail()
                    self.recovery.mark(topic)
                topic.active = False


def _clamped(since: Position, attachment: Attachment) -> Position:
    """Start at the end where `since` lies beyond it: the client's view is ahead of the store's."""
    if since.epoch == attachment.epoch and since.offset > attachment.top:
        return Position(attachment.epoch, attachment.top)
    return since
