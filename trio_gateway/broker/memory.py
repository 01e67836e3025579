"""The memory broker: the whole contract in one process, for apps that embed a single node, and for tests.

It forgets everything when the process ends. Time is trio's, so that tests run in virtual time.
"""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Self

import attrs
import msgspec
import trio

from trio_gateway.broker.broker import (
    BACK_END,
    Ack,
    Attachment,
    BrokerHealth,
    Draft,
    Hint,
    Leave,
    Listener,
    Renewal,
    Version,
)
from trio_gateway.broker.checks import (
    check_info,
    check_json,
    check_mark,
    check_member,
    check_publication,
    check_tags,
    check_ttl,
    check_version,
)
from trio_gateway.broker.expiring import Expiring
from trio_gateway.broker.limits import ID_SECONDS, MAX_READ_BYTES, UNUSED_SECONDS, Limits, history_of
from trio_gateway.broker.memory_feed import MemoryFeed
from trio_gateway.broker.memory_presence import MemoryPresence
from trio_gateway.model.channel import check_channel, is_inbox
from trio_gateway.model.errors import BrokerUnavailable, RequestError
from trio_gateway.model.position import START, Position
from trio_gateway.model.presence import Member, Passage, PresenceStatistics
from trio_gateway.model.publication import Publication
from trio_gateway.model.recovery import Stored
from trio_gateway.model.user import check_device
from trio_gateway.settings.namespaces import History, Namespaces
from trio_gateway.settings.settings import Settings

Stream = deque[Publication]


@attrs.define
class Meta:
    """Hold what outlives a channel's publications: epoch, top, version, and devices' cursors, longest unused first."""

    epoch: str = attrs.field(factory=lambda: secrets.token_hex(6))
    top: int = 0
    version: Version | None = None
    cursors: dict[str, Position] = attrs.field(factory=dict)


class MemoryBroker:
    """Keep the store's contract in memory; see Broker for what each method promises."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Make the broker of a gateway with these settings."""
        return cls(namespaces=settings.namespaces, limits=Limits.of(settings))

    def __init__(self, *, namespaces: Namespaces, limits: Limits) -> None:
        self._namespaces = namespaces
        self._limits = limits
        self._metas: Expiring[str, Meta] = Expiring(trio.current_time)
        self._streams: Expiring[str, Stream] = Expiring(trio.current_time)
        self._records: Expiring[tuple[str, str, str], Position] = Expiring(trio.current_time)
        self._presence = MemoryPresence(self._tell_passage)
        self._marks: Expiring[str, bytes] = Expiring(trio.current_time)
        self._feed = MemoryFeed()

    async def serve(self, listener: Listener, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Hand hints to the listener in batches until cancelled."""
        await self._feed.serve(listener, task_status)

    async def publish(
        self,
        channel: str,
        data: bytes,
        *,
        id: str = "",
        sender: str = BACK_END,
        info: bytes = b"",
        tags: bytes = b"",
        skip_history: bool = False,
        version: Version | None = None,
        delta: bool = False,
    ) -> Position:
        """Store a publication, then tell of it; see Broker.publish."""
        await trio.lowlevel.checkpoint()
        check_publication(channel, data, id, sender, self._limits, more=len(info) + len(tags))
        check_version(version)
        history = history_of(self._namespaces, channel)
        check_json(data)
        check_info(info or b"{}")
        check_tags(tags or b"{}")
        meta = self._metas.get(channel) if history.size else None
        seen = self._records.get((channel, sender, id)) if id else None
        if seen and seen.epoch in ("", meta.epoch if meta else ""):
            return seen
        made = _made(Publication(0, 0, data, 0, sender, id, info, tags, delta))
        if history.size and not skip_history:
            if meta and version and _is_outdated(version, meta.version):
                return Position(meta.epoch, meta.top)
            position = self._keep(channel, history, made, version)
        else:
            self._tell(Hint(channel, "", made))
            position = START
        if id:
            self._records.put((channel, sender, id), position, ID_SECONDS)
        return position

    async def publish_all(self, drafts: Sequence[Draft]) -> Sequence[Position | RequestError | BrokerUnavailable]:
        """Publish several; see Broker.publish_all."""
        results: list[Position | RequestError | BrokerUnavailable] = []
        for draft in drafts:
            try:
                position = await self.publish(
                    draft.channel, draft.data, id=draft.id, sender=draft.sender, info=draft.info
                )
            except (RequestError, BrokerUnavailable) as error:
                results.append(error)
            else:
                results.append(position)
        return results

    async def read(self, channel: str, after: int, limit: int) -> Stored:
        """Read kept publications after an offset; see Broker.read."""
        await trio.lowlevel.checkpoint()
        kept = self._kept(channel)
        return self._stored(channel, (each for each in kept if each.offset > after), limit)

    async def read_back(self, channel: str, before: int, limit: int) -> Stored:
        """Read kept publications before an offset, newest first; see Broker.read_back."""
        await trio.lowlevel.checkpoint()
        kept = reversed(self._kept(channel))
        return self._stored(channel, (each for each in kept if not before or each.offset < before), limit)

    async def remove_history(self, channel: str) -> None:
        """Drop what a channel keeps; see Broker.remove_history."""
        await trio.lowlevel.checkpoint()
        self._history(channel)
        self._streams.discard(channel)

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
            if not (meta.top or is_inbox(channel)):
                self._metas.put(channel, meta, min(UNUSED_SECONDS, history.meta_ttl))
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

    async def join(self, channel: str, member: Member, *, ttl: float, limit: int = 0) -> bool:
        """Put a member into a channel; see Broker.join."""
        await trio.lowlevel.checkpoint()
        self._history(channel)
        check_member(member, ttl)
        check_info(member.info)
        return self._presence.join(channel, member, ttl, limit)

    async def renew(self, renewals: Sequence[Renewal], *, ttl: float) -> Sequence[Sequence[str]]:
        """Renew members; see Broker.renew."""
        await trio.lowlevel.checkpoint()
        check_ttl(ttl)
        return [self._presence.renew(each.channel, each.clients, ttl) for each in renewals]

    async def leave(self, leaves: Sequence[Leave]) -> None:
        """Remove members; see Broker.leave."""
        await trio.lowlevel.checkpoint()
        for each in leaves:
            self._presence.leave(each.channel, each.client)

    async def presence(self, channel: str) -> Mapping[str, Member]:
        """List the members of a channel by client."""
        await trio.lowlevel.checkpoint()
        self._history(channel)
        return self._presence.members(channel)

    async def presence_statistics(self, channel: str) -> PresenceStatistics:
        """Count the members of a channel."""
        await trio.lowlevel.checkpoint()
        self._history(channel)
        return self._presence.statistics(channel)

    async def put_mark(self, name: str, value: bytes, *, ttl: float) -> None:
        """Keep a small fact for a while; see Broker.put_mark."""
        await trio.lowlevel.checkpoint()
        check_mark(name, value)
        if ttl:
            check_ttl(ttl)
            self._marks.put(name, value, ttl)
        else:
            self._marks.discard(name)

    async def marks(self) -> Mapping[str, bytes]:
        """Read all marks whose time has not run out."""
        await trio.lowlevel.checkpoint()
        return self._marks.present()

    async def follow(self, channel: str) -> None:
        """Follow a channel; see Broker.follow."""
        await trio.lowlevel.checkpoint()
        self._feed.follow(channel)

    def unfollow_nowait(self, channel: str) -> None:
        """Stop following a channel."""
        self._feed.unfollow(channel)

    def health(self) -> BrokerHealth:
        """Show whether the broker is served; there is nothing else to fail."""
        return self._feed.health()

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

    def _kept(self, channel: str) -> Stream:
        return (self._streams.get(channel) if self._history(channel).size else None) or deque()

    def _stored(self, channel: str, candidates: Iterable[Publication], limit: int) -> Stored:
        meta = self._metas.get(channel)
        return Stored(meta.epoch, meta.top, _bounded(candidates, limit)) if meta else Stored("", 0, ())

    def _keep(self, channel: str, history: History, made: Publication, version: Version | None) -> Position:
        meta = self._meta(channel, history)
        publication = msgspec.structs.replace(made, offset=meta.top + 1, prev=meta.top)
        stream = self._streams.get(channel) or deque(maxlen=history.size)
        stream.append(publication)
        self._streams.put(channel, stream, history.ttl)
        meta.top = publication.offset
        meta.version = version or meta.version
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

    def _tell_passage(self, channel: str, passage: Passage) -> None:
        self._tell(Hint(channel, "", None, passage))

    def _tell(self, hint: Hint) -> None:
        self._feed.tell(hint)


def _made(given: Publication) -> Publication:
    """Make a publication that has no offset yet; info and tags stand on one line, as in a store that has lines."""
    now = time.time_ns() // 1_000_000
    info, tags = given.info.replace(b"\n", b" "), given.tags.replace(b"\n", b" ")
    return msgspec.structs.replace(given, time=now, info=info, tags=tags)


def _is_outdated(version: Version, stored: Version | None) -> bool:
    if stored is None or (version.epoch and stored.epoch and version.epoch != stored.epoch):
        return False
    return version.number <= stored.number


def _bounded(candidates: Iterable[Publication], limit: int) -> tuple[Publication, ...]:
    """Take the first ones, bounded in number and bytes, but one at least."""
    taken: list[Publication] = []
    size = 0
    for publication in candidates:
        size += len(publication.data) + len(publication.info) + len(publication.tags)
        if len(taken) >= limit or (taken and size > MAX_READ_BYTES):
            break
        taken.append(publication)
    return tuple(taken)
