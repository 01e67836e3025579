"""Who is in the channels, as the functions keep it; many channels are asked in few writes, each of bounded size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from trio_gateway.broker.broker import Leave, Renewal
from trio_gateway.broker.redis.calls import Calls
from trio_gateway.broker.redis.entries import parse_members
from trio_gateway.broker.redis.keys import Keys
from trio_gateway.broker.redis.link import Command
from trio_gateway.model.errors import RequestError
from trio_gateway.model.presence import Member, PresenceStatistics

CLIENTS_IN_CALL = 500
"""Some 2 ms of the server's time."""

CLIENTS_AT_ONCE = 1000
"""In one write, so that it does not fill the link."""

Part = tuple[int, str, Sequence[str]]
"""Which request it is a part of, the channel, and clients in it."""


class RedisPresence:
    """Call the functions of presence; see Broker for what each method promises."""

    def __init__(self, keys: Keys, calls: Calls) -> None:
        self._keys = keys
        self._calls = calls

    async def join(self, channel: str, member: Member, ttl: float, limit: int) -> bool:
        """Put a member into a channel, or renew it."""
        keys, told = self._keys.for_presence(channel), b"1" if member.told else b"0"
        args = (member.client, member.user, member.info, told, _milliseconds(ttl), limit)
        return bool(await self._calls.fcall("tg1_join", keys, *args))

    async def renew(self, renewals: Sequence[Renewal], ttl: float) -> Sequence[Sequence[str]]:
        """Renew members; in a channel that is refused none is."""
        missing: list[list[str]] = [[] for _ in renewals]
        for batch in _batches(_parts((each.channel, each.clients) for each in renewals)):
            commands = [
                self._command("tg1_renew", channel, _milliseconds(ttl), *clients) for _, channel, clients in batch
            ]
            for (index, _, clients), answer in zip(batch, await self._calls.fcall_all(commands), strict=True):
                refused = isinstance(answer, RequestError)
                missing[index] += clients if refused else [client.decode() for client in answer]
        return missing

    async def leave(self, leaves: Sequence[Leave]) -> None:
        """Remove members; in a channel that is refused there are none."""
        channels: dict[str, list[str]] = {}
        for each in leaves:
            channels.setdefault(each.channel, []).append(each.client)
        for batch in _batches(_parts(channels.items())):
            await self._calls.fcall_all(
                [self._command("tg1_leave", channel, *clients) for _, channel, clients in batch]
            )

    async def members(self, channel: str) -> Mapping[str, Member]:
        """List the members of a channel by client."""
        return parse_members(await self._calls.fcall("tg1_presence", self._keys.for_presence(channel)))

    async def statistics(self, channel: str) -> PresenceStatistics:
        """Count the members of a channel."""
        clients, users = await self._calls.fcall("tg1_presence_statistics", self._keys.for_presence(channel))
        return PresenceStatistics(clients, users)

    def _command(self, function: str, channel: str, *args: str | int) -> Command:
        return ("FCALL", function, 3, *self._keys.for_presence(channel), *args)


def _milliseconds(ttl: float) -> int:
    return round(ttl * 1000)


def _parts(requests: Iterable[tuple[str, Sequence[str]]]) -> Iterator[Part]:
    """Split each request into calls of bounded size."""
    for index, (channel, clients) in enumerate(requests):
        for start in range(0, len(clients), CLIENTS_IN_CALL):
            yield index, channel, clients[start : start + CLIENTS_IN_CALL]


def _batches(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """Put together what goes out in one write."""
    batch: list[Part] = []
    size = 0
    for part in parts:
        if size + len(part[2]) > CLIENTS_AT_ONCE:
            yield batch
            batch, size = [], 0
        batch.append(part)
        size += len(part[2])
    if batch:
        yield batch
