"""The Redis broker: the store's contract over two connections, one for commands and one for the feed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import outcome
import trio
from redis import exceptions

from trio_gateway.broker.broker import BACK_END, Ack, Attachment, BrokerHealth, Listener
from trio_gateway.broker.checks import check_publication
from trio_gateway.broker.limits import MAX_READ_BYTES, Limits
from trio_gateway.broker.redis.address import parse_address
from trio_gateway.broker.redis.connection import Connection
from trio_gateway.broker.redis.entries import offset_of, parse_entries
from trio_gateway.broker.redis.feed import Feed
from trio_gateway.broker.redis.function_library import installation_of
from trio_gateway.broker.redis.handshake import check_memory
from trio_gateway.broker.redis.keys import Keys
from trio_gateway.broker.redis.link import Argument, Bounds, Command, Link
from trio_gateway.broker.redis.loader import Loader
from trio_gateway.broker.redis.owner import Owner
from trio_gateway.broker.redis.probe import Probe
from trio_gateway.broker.redis.refusals import is_library_missing, model_error
from trio_gateway.model.channel import RESERVED_SIGN
from trio_gateway.model.errors import BrokerUnavailable
from trio_gateway.model.position import Position
from trio_gateway.model.recovery import Stored
from trio_gateway.settings.namespaces import Namespaces

ANSWER_SECONDS = 1.9
"""A client is answered within 2 s, whatever happens to the store."""

ACKS_AT_ONCE = 1000
"""Of many, so that one flush does not fill the link."""

UPKEEP_SECONDS = 5.0
"""How often the owner speaks and the library is looked after."""


class RedisBroker:
    """Keep the store's contract in Redis or Valkey; `url` is `redis://`, `rediss://` or `unix://`.

    `node` names this gateway process: the probe's channel is `$node:<node>`. Raises ValueError for a
    URL or a prefix of another form.
    """

    def __init__(self, url: str, *, prefix: str, namespaces: Namespaces, limits: Limits, node: str) -> None:
        address, bounds = parse_address(url), Bounds()
        self._limits = limits
        self._keys = Keys(prefix)
        self._loader = Loader(prefix, installation_of(namespaces, limits))
        self._owner = Owner(self._keys)
        self._own_channel = f"{RESERVED_SIGN}node:{node}"
        self._commands = Connection(address, f"{prefix}:{node}:commands", prepare=self._prepare, bounds=bounds)
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

    async def publish(self, channel: str, data: bytes, *, id: str = "", sender: str = BACK_END) -> Position:
        """Store a publication, then tell of it; see Broker.publish."""
        check_publication(channel, data, id, sender, self._limits)
        keys = self._keys.for_publish(channel, sender, id)
        epoch, offset = await self._fcall("tg1_publish", keys, data, sender, id)
        return Position(epoch.decode(), offset)

    async def read(self, channel: str, after: int, limit: int) -> Stored:
        """Read kept publications after an offset; see Broker.read."""
        keys = (self._keys.meta(channel), self._keys.stream(channel))
        while True:
            epoch, top, entries = await self._fcall("tg1_read", keys, after, limit, MAX_READ_BYTES)
            publications = parse_entries(entries)
            if publications or not entries:
                return Stored(epoch.decode(), top, publications)
            after = offset_of(entries[-3])  # nothing but formats of newer writers; what we know may come after

    async def attach(self, channel: str, *, device: str = "", since: Position | None = None) -> Attachment:
        """Make sure that the channel has an epoch, and a device its cursor; see Broker.attach."""
        keys = (self._keys.meta(channel), self._keys.stream(channel), self._keys.cursors(channel))
        place = () if since is None else (since.epoch, since.offset)
        epoch, top, cursor_epoch, cursor_offset = await self._fcall("tg1_attach", keys, device, *place)
        cursor = Position(cursor_epoch.decode(), cursor_offset) if device else None
        return Attachment(epoch.decode(), top, cursor)

    async def acknowledge(self, acks: Sequence[Ack]) -> None:
        """Move device cursors, all in one go; see Broker.acknowledge."""
        for start in range(0, len(acks), ACKS_AT_ONCE):
            await self._acknowledge([self._ack_command(ack) for ack in acks[start : start + ACKS_AT_ONCE]])

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

    async def _acknowledge(self, commands: Sequence[Command]) -> None:
        try:
            for command, result in zip(commands, await self._commands.call_all(commands), strict=True):
                await self._settle_ack(command, result)
        except exceptions.RedisError as error:
            raise model_error(error) from error

    async def _settle_ack(self, command: Command, result: outcome.Outcome[Any]) -> None:
        """Raise what makes the outcome unknown; a cursor that was refused is refused for good."""
        try:
            result.unwrap()
        except exceptions.ResponseError as error:
            if is_library_missing(error):
                await self._call_loaded(command)
            elif isinstance(model_error(error), BrokerUnavailable):
                raise

    async def _fcall(self, function: str, keys: Sequence[str], *args: Argument) -> Any:
        """Call a function; raises a RequestError for its refusals, BrokerUnavailable for everything else."""
        try:
            return await self._call_loaded(("FCALL", function, len(keys), *keys, *args))
        except exceptions.RedisError as error:
            raise model_error(error) from error

    async def _call_loaded(self, command: Command) -> Any:
        """Call, and where the library is missing (which did nothing), load it and repeat once."""
        started = trio.current_time()
        try:
            return await self._commands.call(*command)
        except exceptions.ResponseError as error:
            if not is_library_missing(error):
                raise
        with trio.move_on_at(started + ANSWER_SECONDS):
            await self._loader.restore(self._commands.call)
            return await self._commands.call(*command)
        raise exceptions.TimeoutError("the function library could not be loaded in time")

    async def _prepare(self, link: Link) -> None:
        await check_memory(link)
        await self._loader.load(link.call)

    async def _send_probe(self, number: bytes) -> None:
        await self._call_loaded(("FCALL", "tg1_publish", 2, *self._keys.for_publish(self._own_channel, "", ""), number))

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
