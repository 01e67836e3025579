"""That a client has gone is told to the application at least once, whatever becomes of this node meanwhile.

Each client is on record in the store from before it is greeted until the application has heard of its
end. The record is a presence, in a channel of the gateway's own, and of long life: what a node can't tell
any more is told by another one (`lost_nodes.py`).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import msgspec
import trio
from msgspec import UNSET, Raw, UnsetType

from trio_gateway.broker.broker import Broker
from trio_gateway.broker.checks import UNREADABLE
from trio_gateway.broker.limits import MAX_INFO_BYTES
from trio_gateway.gateway.nodes.untold import Ending, Untold
from trio_gateway.hooks.hooks import Disconnected
from trio_gateway.hooks.requests import DisconnectedRequest
from trio_gateway.hub.presence import Presence
from trio_gateway.hub.woken import Woken
from trio_gateway.model.channel import RESERVED_PREFIX
from trio_gateway.model.codes import ABNORMAL_CLOSURE, DisconnectCode
from trio_gateway.model.errors import BadRequest, BrokerUnavailable
from trio_gateway.model.logger import get_logger
from trio_gateway.model.presence import Member
from trio_gateway.model.reason import reason_of
from trio_gateway.model.user import ANONYMOUS, User
from trio_gateway.session.client import Client

HOLDERS_CHANNEL: Final = f"{RESERVED_PREFIX}holders"
"""Whose presence are the nodes that have a record, also those that are gone."""

RECORD_SECONDS: Final = 86_400.0
"""For which a client stays on record that the application could not be told of."""

RENEW_SECONDS: Final = 600.0
"""In which the records of clients that are here are renewed, and put back where the store lost them."""

RECORDS_PER_CONNECTION: Final = 4
"""Of `max_connections`: more clients than that are not on record, while the application is away for long."""

MAX_PENDING: Final = 100_000
"""Ends that wait in memory to be told; beyond it they are read from the record again, without their codes."""

STORE_SECONDS: Final = 1.0
"""The record is read again within this (jittered) while the store is away."""

AT_ONCE: Final = 16
"""Ends that are told at a time."""

CHUNK: Final = 200
"""Ends that are told before the record is brought up to date."""

log = get_logger(__name__)


class _Record(msgspec.Struct, omit_defaults=True):
    """Hold what is known of a client beside its id and its user."""

    device: str = ""
    address: str = ""
    protocol: str = ""
    transport: str = ""
    info: Raw | UnsetType = UNSET
    meta: Raw | UnsetType = UNSET


_records = msgspec.json.Decoder(_Record)


class Departures:
    """Tell the application, by the hook `disconnected`, which clients of the node `uid` have gone; without a hook there is nothing to do."""

    def __init__(self, uid: str, broker: Broker, hook: Disconnected | None, *, max_connections: int) -> None:
        self._uid = uid
        self._broker = broker
        self._hook = hook
        self._limit = RECORDS_PER_CONNECTION * max_connections
        self._channel = record_of(uid)
        self._holds = False
        self._here: set[str] = set()
        self._untold = Untold()
        self._being_told = 0
        self._overflowed = False
        self._woken = Woken()
        self._settled = trio.Event()
        self.record = Presence(broker, RECORD_SECONDS, every=RENEW_SECONDS)

    @property
    def pending(self) -> int:
        """Count the ends that the application has not heard of."""
        return len(self._untold) + self._being_told

    async def hold(self) -> None:
        """Say that this node has a record, which others tell from where it is gone; raises BrokerUnavailable."""
        await self._broker.join(HOLDERS_CHANNEL, Member(self._uid, "", b"{}"), ttl=RECORD_SECONDS)
        self._holds = True

    async def begin(self, client: Client) -> None:
        """Put a client on record, before it is greeted; raises BrokerUnavailable, and it is on none then."""
        if self._hook is None:
            return
        if not self._holds:
            await self.hold()
        member = Member(client.id, client.user.id, _recorded(client))
        self._here.add(client.id)  # first: who is on record and not here has gone
        try:
            recorded = await self.record.join_limited(self._channel, member, self._limit)
        except BaseException:
            self._here.discard(client.id)
            raise
        if not recorded:
            log.debug("a client is on no record, as there are too many", client=client.id)

    def end_nowait(self, client: Client, disconnect: DisconnectCode | None) -> None:
        """Tell soon how a client ended; None for one that was not let in after all, of which nothing is told."""
        if client.id not in self._here:
            return
        self._here.discard(client.id)
        if disconnect is None:
            self.record.leave_nowait(self._channel, client.id)
        elif self.pending >= MAX_PENDING:
            self._overflowed = True
        else:
            self._untold.add(_request(client, disconnect, self._uid), trio.current_time())
            self._woken.set()

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Tell of ends, and keep the record, until cancelled."""
        task_status.started()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.record.serve)
            while True:
                await self._wait_until_due()
                await self._tell_due()

    async def flush(self) -> None:
        """Wait until the application has heard of all ends, and bring the record up to date; the caller has the deadline."""
        while self.pending:
            await self._settled.wait()
        with suppress(BrokerUnavailable):
            await self.record.flush()

    async def tell(self, channel: str, requests: Sequence[DisconnectedRequest]) -> Sequence[str]:
        """Tell of ends, several at once; answers the clients of which the application has heard, and takes them off a record."""
        heard: list[str] = []
        left = iter(requests)

        async def tell_in_turn() -> None:
            heard.extend([request.client.id for request in left if await self._tell(request)])

        async with trio.open_nursery() as nursery:
            for _ in range(min(AT_ONCE, len(requests))):
                nursery.start_soon(tell_in_turn)
        for client in heard:
            self.record.leave_nowait(channel, client)
        return heard

    async def _tell(self, request: DisconnectedRequest) -> bool:
        assert self._hook is not None, "nobody is told without a hook"
        try:
            await self._hook(request)
        except Exception as error:  # noqa: BLE001 - whatever the application breaks with, it is told again
            log.debug("the end of a client is told later", client=request.client.id, reason=reason_of(error))
            return False
        return True

    async def _wait_until_due(self) -> None:
        """Wait until an end is to be told, now or again."""
        with trio.move_on_at(self._untold.next_due):
            await self._woken.wait()

    async def _tell_due(self) -> None:
        """Tell of what is due, and have told again later what is not heard."""
        while endings := self._untold.take(CHUNK, trio.current_time()):
            self._being_told = len(endings)
            heard = frozenset(await self.tell(self._channel, [ending.request for ending in endings]))
            self._being_told = 0
            for ending in endings:
                if ending.request.client.id not in heard:
                    self._tell_again(ending)
        if self._overflowed and not self._untold:
            await self._find_untold()
        if not self.pending:
            self._settled.set()
            self._settled = trio.Event()

    def _tell_again(self, ending: Ending) -> None:
        now = trio.current_time()
        if now - ending.since < RECORD_SECONDS:
            self._untold.add_again(ending, now)
        else:
            log.warning("the application was not told of the end of a client", client=ending.request.client.id)

    async def _find_untold(self) -> None:
        """Read from the record whose end did not fit in memory; waits while the store is away."""
        while True:
            try:
                await self.record.flush()  # those that were told are on it no more
                members = await self._broker.presence(self._channel)
            except BrokerUnavailable:
                await trio.sleep(random.uniform(0, STORE_SECONDS))  # noqa: S311 - jitter, not a secret
            else:
                break
        gone = [member for client, member in members.items() if client not in self._here]
        self._overflowed = len(gone) > MAX_PENDING
        for member in gone[:MAX_PENDING]:
            self._untold.add(request_of(member, self._uid), trio.current_time())
        self._woken.set()


def record_of(node: str) -> str:
    """Name the channel of the gateway's own whose presence are the clients of a node that may not be known to have gone."""
    return f"{RESERVED_PREFIX}clients:{node}"


def request_of(member: Member, node: str) -> DisconnectedRequest:
    """Say of a client on record that it has gone, nobody knows how."""
    return _request(_client_of(member), ABNORMAL_CLOSURE, node)


def _client_of(member: Member) -> Client:
    try:
        record, user = _records.decode(member.info), User(member.user)
    except (*UNREADABLE, BadRequest):  # somebody else wrote it
        record, user = _Record(), ANONYMOUS
    return Client(
        member.client,
        user,
        record.device,
        record.address,
        record.protocol,
        bytes(record.info or b""),
        bytes(record.meta or b""),
        record.transport,
    )


def _request(client: Client, disconnect: DisconnectCode, node: str) -> DisconnectedRequest:
    return DisconnectedRequest(client=client, code=disconnect.code, reason=disconnect.reason, node=node)


def _recorded(client: Client) -> bytes:
    record = _Record(
        client.device, client.address, client.protocol, client.transport, _raw(client.info), _raw(client.meta)
    )
    text = msgspec.json.encode(record)
    if len(text) > MAX_INFO_BYTES:  # more than the store takes: what a client may do without
        record.info = record.meta = UNSET
        text = msgspec.json.encode(record)
    return text


def _raw(text: bytes) -> Raw | UnsetType:
    return Raw(text) if text else UNSET
