"""The record of a node: the clients of whose end the application may not have heard, for another node to tell of.

It is a presence of long life, in channels of the gateway's own, and in so many parts that the store reads
one of them in little time.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from trio_gateway.broker.broker import Broker
from trio_gateway.broker.checks import UNREADABLE
from trio_gateway.broker.limits import MAX_INFO_BYTES
from trio_gateway.hooks.requests import DisconnectedRequest
from trio_gateway.hub.presence import Presence
from trio_gateway.model.channel import RESERVED_PREFIX
from trio_gateway.model.codes import ABNORMAL_CLOSURE, DisconnectCode
from trio_gateway.model.errors import BadRequest
from trio_gateway.model.presence import Member
from trio_gateway.model.user import ANONYMOUS, User
from trio_gateway.session.client import Client

HOLDERS_CHANNEL: Final = f"{RESERVED_PREFIX}holders"
"""Whose presence are the nodes that have a record, also those that are gone."""

RECORD_SECONDS: Final = 86_400.0
"""For which a client stays on record that the application could not be told of."""

RENEW_SECONDS: Final = 600.0
"""In which the records of clients that are here are renewed, and put back where the store lost them."""

PARTS: Final = 32
"""Of a record: at the default bounds 6,250 clients of up to 1 KB each, some 40 ms of the store's time."""


class _Recorded(msgspec.Struct, omit_defaults=True):
    """Hold what is known of a client beside its id and its user."""

    device: str = ""
    address: str = ""
    protocol: str = ""
    transport: str = ""
    info: Raw | UnsetType = UNSET
    meta: Raw | UnsetType = UNSET


_recorded = msgspec.json.Decoder(_Recorded)


class Record:
    """Keep the record of the node `uid`, with up to `limit` clients on it."""

    def __init__(self, uid: str, broker: Broker, *, limit: int) -> None:
        self._uid = uid
        self._limit = limit
        self._members: dict[str, Member] = {}
        self._presence = Presence(broker, RECORD_SECONDS, every=RENEW_SECONDS)

    def __len__(self) -> int:
        return len(self._members)

    def get(self, client: str) -> Member | None:
        """Give what is on record of a client."""
        return self._members.get(client)

    async def put(self, client: Client) -> bool:
        """Put a client on record, and tell whether there was room; raises BrokerUnavailable, and it is not on it then."""
        if len(self._members) >= self._limit:
            return False
        member = self._members[client.id] = Member(client.id, client.user.id, _text_of(client))
        try:
            return await self._presence.join_limited(part_of(self._uid, client.id), member, limit=0)
        except BaseException:
            del self._members[client.id]
            raise

    def strike_nowait(self, client: str) -> None:
        """Take a client off the record soon, together with others."""
        if self._members.pop(client, None):
            self._presence.leave_nowait(part_of(self._uid, client), client)

    async def renew(self) -> None:
        """Put back at once what the store has lost of the record; waits while it is away."""
        await self._presence.renew()

    async def flush(self) -> None:
        """Write who was taken off the record; raises BrokerUnavailable."""
        await self._presence.flush()

    async def serve(self) -> None:
        """Keep the record in the store until cancelled."""
        await self._presence.serve()


def part_of(node: str, client: str) -> str:
    """Name the channel of the gateway's own in whose presence a client of a node is on record."""
    return _part(node, zlib.crc32(client.encode()) % PARTS)


def parts_of(node: str) -> Sequence[str]:
    """Name all channels in whose presence clients of a node are on record."""
    return [_part(node, number) for number in range(PARTS)]


def _part(node: str, number: int) -> str:
    return f"{RESERVED_PREFIX}clients:{node}:{number}"


def request_of(member: Member, node: str) -> DisconnectedRequest:
    """Say of a client on record that it has gone, nobody knows how."""
    return ended(_client_of(member), ABNORMAL_CLOSURE, node)


def ended(client: Client, disconnect: DisconnectCode, node: str) -> DisconnectedRequest:
    """Say of a client that it has gone, and how."""
    return DisconnectedRequest(client=client, code=disconnect.code, reason=disconnect.reason, node=node)


def _client_of(member: Member) -> Client:
    try:
        recorded, user = _recorded.decode(member.info), User(member.user)
    except (*UNREADABLE, BadRequest):  # somebody else wrote it
        recorded, user = _Recorded(), ANONYMOUS
    return Client(
        member.client,
        user,
        recorded.device,
        recorded.address,
        recorded.protocol,
        bytes(recorded.info or b""),
        bytes(recorded.meta or b""),
        recorded.transport,
    )


def _text_of(client: Client) -> bytes:
    recorded = _Recorded(
        client.device, client.address, client.protocol, client.transport, _raw(client.info), _raw(client.meta)
    )
    text = msgspec.json.encode(recorded)
    if len(text) > MAX_INFO_BYTES:  # more than the store takes: what a client may do without
        recorded.info = recorded.meta = UNSET
        text = msgspec.json.encode(recorded)
    return text


def _raw(text: bytes) -> Raw | UnsetType:
    return Raw(text) if text else UNSET
