"""One client's subscriptions in the hub, and its place in their channels' presence: made, started and ended here."""

from __future__ import annotations

import attrs

from trio_gateway.broker.checks import check_member
from trio_gateway.gateway.nodes.node import Node
from trio_gateway.hub.replay import NOT_RECOVERED, Replayed
from trio_gateway.hub.subscription import Subscriber, Subscription
from trio_gateway.model.channel import inbox_of
from trio_gateway.model.errors import Unrecoverable
from trio_gateway.model.position import START, Position
from trio_gateway.model.presence import Member
from trio_gateway.model.replies import Subscribed
from trio_gateway.session.client import Client
from trio_gateway.session.connecting import expires_in
from trio_gateway.session.effects import Attach
from trio_gateway.session.terms import Terms


@attrs.frozen(eq=False)
class Membership:
    """Hold one subscription, made and perhaps started, with its terms and what its client is told of it."""

    channel: str
    terms: Terms
    subscription: Subscription
    subscribed: Subscribed


class Memberships:
    """Hold the memberships of one client by channel; `announces_gaps` says whether its protocol has words for a gap."""

    __slots__ = ("_announces_gaps", "_client", "_node", "_of_channel", "_subscriber")

    def __init__(self, node: Node, client: Client, subscriber: Subscriber, *, announces_gaps: bool) -> None:
        self._node = node
        self._client = client
        self._subscriber = subscriber
        self._announces_gaps = announces_gaps
        self._of_channel: dict[str, Membership] = {}

    @property
    def inbox(self) -> Subscription:
        """Give the subscription to the client's own inbox; raises KeyError for a client that has none."""
        return self._of_channel[inbox_of(self._client.user.id)].subscription

    def get(self, channel: str) -> Membership | None:
        """Find the membership of a channel."""
        return self._of_channel.get(channel)

    def all(self) -> tuple[Membership, ...]:
        """List all memberships."""
        return tuple(self._of_channel.values())

    async def prepare(self, asked: Attach) -> Membership:
        """Make a subscription that is not started yet.

        Raises BrokerUnavailable, a RequestError, and Unrecoverable where the client wants all or nothing.
        """
        recover = asked.recover
        if asked.terms.present:
            check_member(self._member(asked.terms), self._node.settings.presence_ttl)
        subscription = await self._node.hub.subscribe(self._subscriber, asked.channel, since=asked.since or recover)
        subscription.delta, subscription.filter = asked.terms.delta, asked.terms.filter
        try:
            replayed = NOT_RECOVERED
            if recover is not None:
                replayed = await self._replay(subscription, recover, latest=asked.terms.latest)
            _check(asked, replayed)
        except BaseException:
            self._node.hub.unsubscribe(subscription)
            raise
        return self._add(asked, subscription, recover, replayed)

    async def prepare_inbox(self, terms: Terms, since: Position | None, recover: Position | None) -> Membership:
        """Make the subscription to the client's own inbox, at its device's cursor or where it asks to; raises as `prepare`.

        A device whose place is gone starts with everything that is kept.
        """
        channel, device = inbox_of(self._client.user.id), self._client.device
        place = since or recover
        subscription = await self._node.hub.subscribe(self._subscriber, channel, since=place, device=device)
        if device and not self._announces_gaps and recover is None and not subscription.caught_up:
            recover = subscription.position
        try:
            replayed = NOT_RECOVERED if recover is None else await self._replay(subscription, recover)
        except BaseException:
            self._node.hub.unsubscribe(subscription)
            raise
        if device and recover is not None and not replayed.recovered:
            subscription.epoch, subscription.cursor = START.epoch, START.offset
        return self._add(Attach(None, channel, terms), subscription, recover, replayed)

    def start(self, membership: Membership) -> None:
        """Let publications flow; called in the same step in which the answer was handed to the socket."""
        membership.subscription.start()

    async def join(self, membership: Membership) -> None:
        """Take the client's place in the channel's presence, where it has one."""
        if membership.terms.present:
            await self._node.hub.presence.join(membership.channel, self._member(membership.terms))

    async def leave(self, membership: Membership) -> None:
        """End a subscription: nothing is delivered any more, and the client's place in the presence is given up."""
        self._drop(membership)
        if membership.terms.present:
            await self._node.hub.presence.leave(membership.channel, self._client.id)

    def drop(self, membership: Membership) -> None:
        """End a subscription whose client is told otherwise; its place in the presence is given up soon."""
        self._drop(membership)
        if membership.terms.present:
            self._node.hub.presence.leave_nowait(membership.channel, self._client.id)

    def end(self) -> None:
        """End every subscription of this client; does nothing the second time."""
        for membership in self.all():
            self.drop(membership)

    def _member(self, terms: Terms) -> Member:
        return Member(self._client.id, self._client.user.id, terms.info, told=terms.told)

    async def _replay(self, subscription: Subscription, recover: Position, *, latest: bool = False) -> Replayed:
        replay = self._node.hub.replay_latest if latest else self._node.hub.replay
        return await replay(subscription, recover, self._node.settings.max_recovery)

    def _add(
        self, asked: Attach, subscription: Subscription, recover: Position | None, replayed: Replayed
    ) -> Membership:
        terms = asked.terms
        subscription.positioned = terms.positioned and not self._announces_gaps
        subscription.watches = terms.watches
        position = subscription.greeting
        if recover is not None and replayed.recovered:
            position = Position(position.epoch, recover.offset)
        subscribed = Subscribed(
            asked.ref,
            position,
            positioned=terms.positioned,
            recoverable=terms.recoverable,
            was_recovering=asked.recovering or recover is not None,
            recovered=replayed.recovered,
            publications=replayed.publications,
            ttl=None if terms.refreshed_by_server else expires_in(terms.expire_at, self._node.clock()),
            data=terms.data,
            delta=terms.delta,
        )
        membership = Membership(asked.channel, terms, subscription, subscribed)
        self._of_channel[asked.channel] = membership
        return membership

    def _drop(self, membership: Membership) -> None:
        if self._of_channel.pop(membership.channel, None) is not None:
            self._node.hub.unsubscribe(membership.subscription)


def _check(asked: Attach, replayed: Replayed) -> None:
    if asked.recovering and asked.rejects_unrecovered and not replayed.recovered:
        raise Unrecoverable("what was published after that position is gone")
