"""Entering: who was let in gets its inbox and the channels that it has from the server's side, and is greeted.

What other nodes and the store know is asked here: whether the user is blocked or its token revoked, and
how many connections it has.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from trio_gateway.gateway.admission.places import place_of
from trio_gateway.gateway.nodes.node import Node
from trio_gateway.gateway.opening.memberships import Membership, Memberships
from trio_gateway.hub.subscription import Subscriber
from trio_gateway.model.commands import Ref
from trio_gateway.model.errors import Disconnected, LimitExceeded
from trio_gateway.model.position import START, Position
from trio_gateway.model.replies import Connected
from trio_gateway.session.claims import ServerSubscription
from trio_gateway.session.client import Client
from trio_gateway.session.connecting import Admission
from trio_gateway.session.effects import Attach
from trio_gateway.session.session import Session


@attrs.frozen(kw_only=True)
class Arrival:
    """Say how a client arrives: in which protocol, and what it has already.

    `since` is where its inbox shall start; `positions` are as in Connect. `ping` is seconds between pings in the protocol itself, 0 for none. `strict` is as for Session.
    `session` is what it is told to send commands by from outside its connection, empty for nothing.
    """

    client: Client
    admission: Admission
    ref: Ref = None
    since: Position | None = None
    positions: Mapping[str, Position | None] = attrs.field(factory=dict)
    ping: float
    strict: bool
    session: str = attrs.field(default="", repr=False)


class Entered:
    """Hold what a client has once it entered: its session, its memberships, and its greeting."""

    __slots__ = ("_client", "_node", "_placed", "admission", "connected", "memberships", "session")

    def __init__(self, node: Node, arrival: Arrival, subscriber: Subscriber) -> None:
        self._node = node
        self._client = arrival.client
        self._placed = False
        self.admission = arrival.admission
        self.session = Session(
            arrival.client,
            node.settings,
            node.verifier,
            admission=arrival.admission,
            asks=node.hooks.asks,
            strict=arrival.strict,
            clock=node.clock,
        )
        self.memberships = Memberships(node, arrival.client, subscriber, announces_gaps=not arrival.strict)
        self.connected: Connected

    @property
    def present(self) -> bool:
        """Tell whether the client is in the presence of a channel that it entered with."""
        return any(membership.terms.present for membership in self.memberships.all())

    async def take_place(self) -> None:
        """Count the client among its user's connections; raises LimitExceeded where there are enough, BrokerUnavailable."""
        user, limit = self._client.user.id, self._node.settings.max_connections_per_user
        if not (user and limit):
            return
        if not await self._node.places.take(user, self._client.id, limit):
            raise LimitExceeded(f"a user has at most {limit} connections")
        self._placed = True

    async def subscribe_all(self, arrival: Arrival) -> None:
        """Make all subscriptions that the client has from the server's side; raises BrokerUnavailable or a RequestError."""
        made: dict[str, Membership] = {}
        inbox = await self._prepare_inbox(arrival) if self._client.user.id else None
        if inbox is not None:
            made[inbox.channel] = inbox
        if arrival.strict:
            for channel, given in self._given(arrival).items():
                terms = self.session.channels.have(channel, given)
                asked = arrival.positions.get(channel)
                recover = self.session.channels.position_to_recover(terms, asked)
                attach = Attach(None, channel, terms, recover=recover, recovering=asked is not None)
                made[channel] = await self.memberships.prepare(attach)
        self.connected = Connected(
            arrival.ref,
            self._client.user.id,
            self._client.id,
            arrival.ping,
            START if inbox is None else inbox.subscribed.position,
            {channel: membership.subscribed for channel, membership in made.items()},
            self.session.ttl,
            data=arrival.admission.data,
            session=arrival.session,
            node=self._node.uid if arrival.session else "",
        )

    def start(self) -> None:
        """Let publications flow; called in the same step in which the greeting was handed to the socket."""
        for membership in self.memberships.all():
            self.memberships.start(membership)

    async def join_all(self) -> None:
        """Take the client's place in the presence of all its channels."""
        for membership in self.memberships.all():
            await self.memberships.join(membership)

    def end(self) -> None:
        """Give up everything; does nothing the second time."""
        self.memberships.end()
        if self._placed:
            self._placed = False
            self._node.hub.presence.leave_nowait(place_of(self._client.user.id), self._client.id)

    async def _prepare_inbox(self, arrival: Arrival) -> Membership:
        terms = self.session.channels.have_inbox()
        recover = arrival.positions.get(self.session.inbox) if terms.recoverable else None
        inbox = await self.memberships.prepare_inbox(terms, arrival.since, recover)
        subscription = inbox.subscription
        self.session.begin_inbox(inbox.subscribed.position, lambda: subscription.position)
        return inbox

    def _given(self, arrival: Arrival) -> Mapping[str, ServerSubscription]:
        """Find the channels that the token gives, and those asked for that the client could subscribe to by itself."""
        may_have = self.session.channels.may_have
        asked = [channel for channel in arrival.positions if may_have(channel)]
        room = max(0, self._node.settings.max_channels - len(arrival.admission.channels))
        return {**dict.fromkeys(asked[:room], ServerSubscription()), **arrival.admission.channels}


async def enter(node: Node, arrival: Arrival, subscriber: Subscriber) -> Entered:
    """Let a client in.

    Raises Disconnected for one who is blocked, LimitExceeded for one connection too many,
    BrokerUnavailable, or another RequestError; nothing is left of it then.
    """
    await node.bans.check(arrival.admission)
    entered = Entered(node, arrival, subscriber)
    try:
        await entered.take_place()
        await entered.subscribe_all(arrival)
        await node.departures.begin(arrival.client)
        if kept_out := node.bans.find(arrival.admission):
            raise Disconnected(kept_out)  # noqa: TRY301 (since it was asked: who is not in yet is not disconnected)
    except BaseException:
        entered.end()
        node.departures.end_nowait(arrival.client, None)
        raise
    return entered
