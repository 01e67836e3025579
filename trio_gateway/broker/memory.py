"""The memory broker: the whole contract in one process, for apps that embed a single node, and for tests.

It forgets everything when the process ends. Time is trio's, so that tests run in virtual time.
"""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Sequence

import attrs
import trio

from trio_gateway.broker.broker import BACK_END, Ack, Attachment, BrokerHealth, Hint, Listener
from trio_gateway.broker.checks import check_json, check_publication
from trio_gateway.broker.expiring import Expiring
from trio_gateway.broker.limits import ID_SECONDS, MAX_READ_BYTES, Limits, history_of
from trio_gateway.model.channel import check_channel
from trio_gateway.model.errors import RequestError
from trio_gateway.model.position import START, Position
from trio_gateway.model.publication import Publication
from trio_gateway.model.recovery import Stored
from trio_gateway.model.user import check_device
from trio_gateway.settings.namespaces import History, Namespaces

MAX_HINTS = 16_384
"""Hints waiting for the listener; with more, they are dropped and the listener is told to read instead."""

Stream = deque[Publication]


@attrs.define
class Meta:
    """Hold what outlives a channel's publications: epoch, top, and the cursors of its devices, longest unused first."""

    epoch: str = attrs.field(factory=lambda: secrets.token_hex(6))
    top: int = 0
    cursors: dict[str, Position] = attrs.field(factory=dict)


class MemoryBroker:
    """Keep the store's contract in memory; see Broker for what each method promises."""

    def __init__(self, *, namespaces: Namespaces, limits: Limits) -> None:
        self._namespaces = namespaces
        self._limits = limits
        self._metas: Expiring[str, Meta] = Expiring(trio.current_time)
        self._streams: Expiring[str, Stream] = Expiring(trio.current_time)
        self._records: Expiring[tuple[str, str, str], Position] = Expiring(trio.current_time)
        self._followed: set[str] = set()
        self._hints: list[Hint] = []
        self._overflowed = False
        self._news = trio.Event()
        self._serving = False
        self._heard_at: float | None = None

    async def serve(self, listener: Listener, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Hand hints to the listener in batches until cancelled."""
        self._serving = True
        task_status.started()
        try:
            while True:
                await self._news.wait()
                self._news = trio.Event()
                await self._hand_over(listener)
        finally:
            self._serving = False

    async def publish(self, channel: str, data: bytes, *, id: str = "", sender: str = BACK_END) -> Position:
        """Store a publication, then tell of it; see Broker.publish."""
        await trio.lowlevel.checkpoint()
        check_publication(channel, data, id, sender, self._limits)
        history = history_of(self._namespaces, channel)
        check_json(data)
        meta = self._metas.get(channel) if history.size else Meta("")
        seen = self._records.get((channel, sender, id)) if id else None
        if meta and seen and seen.epoch == meta.epoch:
            return seen
        position = self._store(channel, history, data, id, sender)
        if id:
            self._records.put((channel, sender, id), position, ID_SECONDS)
        return position

    async def read(self, channel: str, after: int, limit: int) -> Stored:
        """Read kept publications after an offset; see Broker.read."""
        await trio.lowlevel.checkpoint()
        meta = self._metas.get(channel) if self._history(channel).size else None
        if meta is None:
            return Stored("", 0, ())
        return Stored(meta.epoch, meta.top, _bounded(self._streams.get(channel) or (), after, limit))

    async def attach(self, channel: str, *, device: str = "", since: Position | None = None) -> Attachment:
        """Make sure that the channel has an epoch, and a device its cursor; see Broker.attach."""
        await trio.lowlevel.checkpoint()
        history = self._history(channel)
        if device:
            check_device(device)
        if not history.size:
            return Attachment("", 0, START if device else None)
        meta = self._meta(channel, history)
        if not device:
            return Attachment(meta.epoch, meta.top)
        cursor = meta.cursors.get(device) or self._first_cursor(channel, meta, since)
        self._keep_cursor(meta, device, cursor)
        return Attachment(meta.epoch, meta.top, cursor)

    async def acknowledge(self, acks: Sequence[Ack]) -> None:
        """Move device cursors; see Broker.acknowledge."""
        await trio.lowlevel.checkpoint()
        for ack in acks:
            try:
                history = self._history(ack.channel)
            except RequestError:
                continue
            self._acknowledge(ack, history)

    async def follow(self, channel: str) -> None:
        """Follow a channel; see Broker.follow."""
        await trio.lowlevel.checkpoint()
        self._followed.add(channel)

    def unfollow_nowait(self, channel: str) -> None:
        """Stop following a channel."""
        self._followed.discard(channel)

    def health(self) -> BrokerHealth:
        """Show whether the broker is served; there is nothing else to fail."""
        age = None if self._heard_at is None else trio.current_time() - self._heard_at
        reasons = () if self._serving else ("the memory broker is not served",)
        return BrokerHealth(reasons, 0.0 if self._serving else None, age)

    def _history(self, channel: str) -> History:
        check_channel(channel, max_bytes=self._limits.max_channel_length)
        return history_of(self._namespaces, channel)

    def _meta(self, channel: str, history: History) -> Meta:
        """Find a channel's meta or begin a new epoch, which has none of the old one's publications; renews it."""
        meta = self._metas.get(channel)
        if meta is None:
            meta = Meta()
            self._streams.discard(channel)
        self._metas.put(channel, meta, history.meta_ttl)
        return meta

    def _store(self, channel: str, history: History, data: bytes, id: str, sender: str) -> Position:
        now = time.time_ns() // 1_000_000
        if not history.size:
            self._tell(Hint(channel, "", Publication(0, 0, data, now, sender, id)))
            return START
        meta = self._meta(channel, history)
        publication = Publication(meta.top + 1, meta.top, data, now, sender, id)
        stream = self._streams.get(channel) or deque(maxlen=history.size)
        stream.append(publication)
        self._streams.put(channel, stream, history.ttl)
        meta.top = publication.offset
        self._tell(Hint(channel, meta.epoch, publication))
        return Position(meta.epoch, meta.top)

    def _first_cursor(self, channel: str, meta: Meta, since: Position | None) -> Position:
        if since is None:
            return Position(meta.epoch, meta.top)
        if since.epoch != meta.epoch:
            stream = self._streams.get(channel)
            return Position(meta.epoch, stream[0].prev if stream else meta.top)
        return Position(meta.epoch, min(since.offset, meta.top))

    def _keep_cursor(self, meta: Meta, device: str, cursor: Position) -> None:
        meta.cursors.pop(device, None)
        while len(meta.cursors) >= self._limits.max_devices:
            del meta.cursors[next(iter(meta.cursors))]
        meta.cursors[device] = cursor

    def _acknowledge(self, ack: Ack, history: History) -> None:
        meta = self._metas.get(ack.channel)
        if meta is None or meta.epoch != ack.position.epoch:
            return
        present = meta.cursors.get(ack.device)
        if present is not None and present.epoch == ack.position.epoch and present.offset >= ack.position.offset:
            return
        self._keep_cursor(meta, ack.device, ack.position)
        self._metas.put(ack.channel, meta, history.meta_ttl)

    def _tell(self, hint: Hint) -> None:
        if hint.channel not in self._followed:
            return
        if len(self._hints) >= MAX_HINTS:
            self._hints.clear()
            self._overflowed = True
        self._hints.append(hint)
        self._news.set()

    async def _hand_over(self, listener: Listener) -> None:
        hints, self._hints = self._hints, []
        overflowed, self._overflowed = self._overflowed, False
        self._heard_at = trio.current_time()
        await listener.take_hints(hints)
        if overflowed:
            await listener.take_feed_resumed()


def _bounded(stream: Sequence[Publication] | Stream, after: int, limit: int) -> tuple[Publication, ...]:
    """Take the oldest ones after an offset, bounded in number and bytes, but one at least."""
    taken: list[Publication] = []
    size = 0
    for publication in stream:
        if publication.offset <= after:
            continue
        size += len(publication.data)
        if len(taken) >= limit or (taken and size > MAX_READ_BYTES):
            break
        taken.append(publication)
    return tuple(taken)
