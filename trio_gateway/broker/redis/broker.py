"""The Redis broker: the store's contract over two connections, one for commands and one for the feed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import trio
from redis import exceptions

from trio_gateway.broker.broker import (
    BACK_END,
    Ack,
    Attachment,
    BrokerHealth,
    Draft,
    Leave,
    Listener,
    Renewal,
    Version,
)
from trio_gateway.broker.checks import check_mark, check_member, check_publication, check_ttl, check_version
from trio_gateway.broker.limits import MAX_READ_BYTES, Limits
from trio_gateway.broker.redis.address import parse_address
from trio_gateway.broker.redis.calls import Calls
from trio_gateway.broker.redis.connection import Connection
from trio_gateway.broker.redis.entries import offset_of, parse_entries
from trio_gateway.broker.redis.feed import Feed
from trio_gateway.broker.redis.function_library import installation_of
from trio_gateway.broker.redis.handshake import check_memory
from trio_gateway.broker.redis.keys import Keys
from trio_gateway.broker.redis.link import Bounds, Command, Link
from trio_gateway.broker.redis.loader import Loader
from trio_gateway.broker.redis.owner import Owner
from trio_gateway.broker.redis.presence import RedisPresence
from trio_gateway.broker.redis.probe import Probe
from trio_gateway.broker.redis.publish_arguments import publish_arguments
from trio_gateway.model.channel import RESERVED_PREFIX, check_channel
from trio_gateway.model.errors import BrokerUnavailable, RequestError
from trio_gateway.model.logger import get_logger
from trio_gateway.model.position import Position
from trio_gateway.model.presence import Member, PresenceStatistics
from trio_gateway.model.recovery import Stored
from trio_gateway.settings.namespaces import Namespaces

FOREIGN = (ValueError, TypeError, AttributeError)
"""What reading an answer raises where somebody else wrote under our names: text that is not UTF-8, or no number."""

TOLD = 1000
"""Channels that are remembered to have been told of."""

ACKS_AT_ONCE = 1000
"""Of many, so that one flush does not fill the link."""

UPKEEP_SECONDS = 5.0
"""How often the owner speaks and the library is looked after."""

log = get_logger(__name__)


class RedisBroker:
    """Keep the store's contract in Redis or Valkey; `url` is `redis://`, `rediss://` or `unix://`.

    `node` names this gateway process: the probe's channel is `$:node:<node>`. Raises ValueError for a
    URL or a prefix of another form.
    """

    def __init__(self, url: str, *, prefix: str, namespaces: Namespaces, limits: Limits, node: str) -> None:
        address, bounds = parse_address(url), Bounds()
        self._limits = limits
        self._keys = Keys(prefix)
        self._foreign: set[str] = set()
        self._loader = Loader(prefix, installation_of(namespaces, limits))
        self._owner = Owner(self._keys)
        self._own_channel = f"{RESERVED_PREFIX}node:{node}"
        self._commands = Connection(address, f"{prefix}:{node}:commands", prepare=self._prepare, bounds=bounds)
        self._calls = Calls(self._commands, self._loader)
        self._presence = RedisPresence(self._keys, self._calls)
        own = {self._keys.owner: self._owner.hear, self._keys.hints(self._own_channel): self._hear_probe}
        self._feed = Feed(address, self._keys, f"{prefix}:{node}:feed", own=own, bounds=bounds)
        self._probe = Probe(
            self._send_probe,
            wait_up=self._wait_up,
            is_feed_silent=self._feed.is_silent_since,
            reconnect_feed=self._feed.connection.reconnect_nowait,
            reconnect_commands=self._commands.reconnect_nowait,
        )

    async def serve(self, listener: Listener, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep both connections and probe them until cancelled; reports as started at once."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._commands.serve)
            nursery.start_soon(self._feed.serve, listener)
            nursery.start_soon(self._probe.serve)
            nursery.start_soon(self._keep_up)
            task_status.started()

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
        check_publication(channel, data, id, sender, self._limits, more=len(info) + len(tags))
        check_version(version)
        keys = self._keys.for_publish(channel, sender, id)
        more = publish_arguments(info=info, tags=tags, skip_history=skip_history, version=version, delta=delta)
        return self._position(channel, await self._calls.fcall("tg1_publish", keys, data, sender, id, *more))

    async def publish_all(self, drafts: Sequence[Draft]) -> Sequence[Position | RequestError | BrokerUnavailable]:
        """Publish several in one write; see Broker.publish_all."""
        results: list[Position | RequestError | BrokerUnavailable | None] = []
        commands: list[Command] = []
        for draft in drafts:
            try:
                commands.append(self._publish_command(draft))
                results.append(None)
            except RequestError as error:
                results.append(error)
        answers = iter(await self._calls.fcall_each(commands) if commands else ())
        return [
            self._result(draft.channel, next(answers)) if result is None else result
            for draft, result in zip(drafts, results, strict=True)
        ]

    def _publish_command(self, draft: Draft) -> Command:
        check_publication(draft.channel, draft.data, draft.id, draft.sender, self._limits, more=len(draft.info))
        keys = self._keys.for_publish(draft.channel, draft.sender, draft.id)
        return ("FCALL", "tg1_publish", len(keys), *keys, draft.data, draft.sender, draft.id, draft.info)

    async def read(self, channel: str, after: int, limit: int) -> Stored:
        """Read kept publications after an offset; see Broker.read."""
        return await self._read("tg1_read", channel, after, limit)

    async def read_back(self, channel: str, before: int, limit: int) -> Stored:
        """Read kept publications before an offset, newest first; see Broker.read_back."""
        return await self._read("tg1_read_back", channel, before, limit)

    async def remove_history(self, channel: str) -> None:
        """Drop what a channel keeps; see Broker.remove_history."""
        self._check(channel)
        await self._calls.fcall("tg1_remove", (self._keys.meta(channel), self._keys.stream(channel)))

    async def attach(self, channel: str, *, device: str = "", since: Position | None = None) -> Attachment:
        """Make sure that the channel has an epoch, and a device its cursor; see Broker.attach."""
        keys = (self._keys.meta(channel), self._keys.stream(channel), self._keys.cursors(channel))
        place = () if since is None else (since.epoch, since.offset)
        answer = await self._calls.fcall("tg1_attach", keys, device, *place)
        try:
            epoch, top, cursor_epoch, cursor_offset = answer
            cursor = Position(cursor_epoch.decode(), cursor_offset) if device else None
            return Attachment(epoch.decode(), top, cursor)
        except FOREIGN as error:
            raise self._foreign_in(channel, error) from error

    async def acknowledge(self, acks: Sequence[Ack]) -> None:
        """Move device cursors, all in one go; see Broker.acknowledge."""
        for start in range(0, len(acks), ACKS_AT_ONCE):
            # A cursor that was refused is refused for good.
            await self._calls.fcall_all([self._ack_command(ack) for ack in acks[start : start + ACKS_AT_ONCE]])

    async def join(self, channel: str, member: Member, *, ttl: float, limit: int = 0) -> bool:
        """Put a member into a channel; see Broker.join."""
        self._check(channel)
        check_member(member, ttl)
        return await self._presence.join(channel, member, ttl, limit)

    async def renew(self, renewals: Sequence[Renewal], *, ttl: float) -> Sequence[Sequence[str]]:
        """Renew members, in few writes; see Broker.renew."""
        check_ttl(ttl)
        return await self._presence.renew(renewals, ttl)

    async def leave(self, leaves: Sequence[Leave]) -> None:
        """Remove members, in few writes; see Broker.leave."""
        await self._presence.leave(leaves)

    async def presence(self, channel: str) -> Mapping[str, Member]:
        """List the members of a channel by client."""
        self._check(channel)
        return await self._presence.members(channel)

    async def presence_statistics(self, channel: str) -> PresenceStatistics:
        """Count the members of a channel."""
        self._check(channel)
        return await self._presence.statistics(channel)

    async def put_mark(self, name: str, value: bytes, *, ttl: float) -> None:
        """Keep a small fact for a while; see Broker.put_mark."""
        check_mark(name, value)
        if ttl:
            check_ttl(ttl)
        await self._calls.fcall("tg1_mark", (self._keys.marks,), name, value, round(ttl * 1000))

    async def marks(self) -> Mapping[str, bytes]:
        """Read all marks whose time has not run out."""
        pairs = await self._calls.fcall("tg1_marks", (self._keys.marks,))
        return {name.decode(errors="replace"): value for name, value in zip(pairs[::2], pairs[1::2], strict=True)}

    async def follow(self, channel: str) -> None:
        """Follow a channel; see Broker.follow. Raises BrokerUnavailable where the feed is away."""
        try:
            await self._feed.follow(channel)
        except exceptions.RedisError as error:
            raise BrokerUnavailable(str(error)) from error

    def unfollow_nowait(self, channel: str) -> None:
        """Stop following a channel."""
        self._feed.unfollow_nowait(channel)

    def health(self) -> BrokerHealth:
        """Show how the broker stands now."""
        # Where a link is away the probe fails as well, and has nothing to add.
        links = tuple(filter(None, (self._commands.reason, self._feed.connection.reason)))
        reasons = (*(links or (self._probe.reason(),)), self._owner.reason())
        # Both links are away for one reason, mostly, and it is told once.
        told = tuple(dict.fromkeys(filter(None, reasons)))
        return BrokerHealth(told, self._probe.round_trip, self._feed.age())

    def _ack_command(self, ack: Ack) -> Command:
        keys = (self._keys.meta(ack.channel), self._keys.cursors(ack.channel))
        return ("FCALL", "tg1_ack", 2, *keys, ack.device, ack.position.epoch, ack.position.offset)

    def _check(self, channel: str) -> None:
        check_channel(channel, max_bytes=self._limits.max_channel_length)

    async def _read(self, function: str, channel: str, offset: int, limit: int) -> Stored:
        keys = (self._keys.meta(channel), self._keys.stream(channel))
        while True:
            answer = await self._calls.fcall(function, keys, offset, limit, MAX_READ_BYTES)
            try:
                epoch, top, entries = answer
                publications = parse_entries(entries)
                if publications or not entries:
                    return Stored(epoch.decode(), top, publications)
                offset = offset_of(entries[-3])  # nothing but formats of newer writers; what we know may come after
            except FOREIGN as error:
                raise self._foreign_in(channel, error) from error

    def _position(self, channel: str, answer: Any) -> Position:
        try:
            epoch, offset = answer
            return Position(epoch.decode(), offset)
        except FOREIGN as error:
            raise self._foreign_in(channel, error) from error

    def _result(self, channel: str, answer: Any) -> Position | RequestError | BrokerUnavailable:
        if isinstance(answer, (RequestError, BrokerUnavailable)):
            return answer
        try:
            return self._position(channel, answer)
        except BrokerUnavailable as error:
            return error

    def _foreign_in(self, channel: str, error: Exception) -> BrokerUnavailable:
        """Tell of a channel that can't be read, once, and make the error that its callers get."""
        if channel not in self._foreign and len(self._foreign) < TOLD:
            self._foreign.add(channel)
            log.error("the store holds what somebody else wrote", channel=channel, error=str(error))
        return BrokerUnavailable(f"the store holds what somebody else wrote in {channel[:80]!r}")

    async def _prepare(self, link: Link) -> None:
        await check_memory(link)
        await self._loader.load(link.call)

    async def _send_probe(self, number: bytes) -> None:
        keys = self._keys.for_publish(self._own_channel, "", "")
        await self._calls.call_loaded(("FCALL", "tg1_publish", len(keys), *keys, number))

    async def _wait_up(self) -> None:
        await self._commands.wait_up()
        await self._feed.connection.wait_up()

    def _hear_probe(self, payload: bytes) -> None:
        self._probe.hear(payload)

    async def _keep_up(self) -> None:
        """Say whose the prefix is, and restore the library, now and then; what fails here the probe tells of."""
        while True:
            await self._commands.wait_up()
            with suppress(exceptions.RedisError):
                await self._owner.claim(self._commands.call)
                await self._loader.keep(self._commands.call)
            await trio.sleep(UPKEEP_SECONDS)
