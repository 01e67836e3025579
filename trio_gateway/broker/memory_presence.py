"""Who is in the channels of a memory broker; members whose time ran out leave at the next call, whatever it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import trio

from trio_gateway.broker.expiring import Expiring
from trio_gateway.model.presence import Member, Passage, PresenceStatistics

Seat = tuple[str, str]
"""A channel, and a client in it."""


class MemoryPresence:
    """Hold the members of all channels; `tell` takes a channel and the passage of a member who is told."""

    def __init__(self, tell: Callable[[str, Passage], None]) -> None:
        self._tell = tell
        self._seats: Expiring[Seat, Member] = Expiring(trio.current_time, self._note_expired)
        self._channels: dict[str, dict[str, Member]] = {}

    def join(self, channel: str, member: Member, ttl: float, limit: int) -> bool:
        """Put a member in, or renew it; see Broker.join."""
        self._seats.forget()
        members = self._channels.get(channel, {})
        is_new = member.client not in members
        if limit and len(members) - (not is_new) >= limit:
            return False
        self._seats.put((channel, member.client), member, ttl)
        self._channels.setdefault(channel, {})[member.client] = member
        if is_new and member.told:
            self._tell(channel, Passage(joined=True, info=member.info))
        return True

    def renew(self, channel: str, clients: Sequence[str], ttl: float) -> Sequence[str]:
        """Renew members; answers the clients that are not there."""
        self._seats.forget()
        members = self._channels.get(channel, {})
        for client in clients:
            if client in members:
                self._seats.put((channel, client), members[client], ttl)
        return [client for client in clients if client not in members]

    def leave(self, channel: str, client: str) -> None:
        """Remove a member, if it is there."""
        member = self._seats.get((channel, client))
        if member is not None:
            self._seats.discard((channel, client))
            self._remove(channel, member)

    def members(self, channel: str) -> Mapping[str, Member]:
        """List the members of a channel by client."""
        self._seats.forget()
        return dict(self._channels.get(channel, {}))

    def statistics(self, channel: str) -> PresenceStatistics:
        """Count the members of a channel."""
        members = self.members(channel).values()
        return PresenceStatistics(len(members), len({member.user for member in members}))

    def _note_expired(self, seat: Seat, member: Member) -> None:
        self._remove(seat[0], member)

    def _remove(self, channel: str, member: Member) -> None:
        members = self._channels[channel]
        del members[member.client]
        if not members:
            del self._channels[channel]
        if member.told:
            self._tell(channel, Passage(joined=False, info=member.info))
