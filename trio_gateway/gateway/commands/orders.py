"""Orders are what the server does to one client that did not ask for it: they are carried out in its own writer task.

So a client that does not read keeps nobody waiting but itself.
"""

from __future__ import annotations

import math
import random

from trio_gateway.gateway.commands.requests import Requests
from trio_gateway.gateway.nodes.node import Node
from trio_gateway.gateway.opening.entering import Entered
from trio_gateway.gateway.opening.memberships import Membership
from trio_gateway.gateway.transport.socket import ClientSocket
from trio_gateway.hooks.asking import ask_to_stay
from trio_gateway.hub.subscription import Subscription
from trio_gateway.model import codes
from trio_gateway.model.codes import UnsubscribeCode
from trio_gateway.model.directives import SubscribeUser
from trio_gateway.model.errors import Disconnected, HookUnavailable, RequestError
from trio_gateway.model.logger import get_logger
from trio_gateway.model.position import Position
from trio_gateway.model.replies import Push, RefreshedByServer, SubscribedByServer, UnsubscribedByServer
from trio_gateway.session.claims import ServerSubscription
from trio_gateway.session.effects import Attach
from trio_gateway.wire.codec import Codec

RETRY_SECONDS = (10.0, 20.0)
"""After which the application is asked again: each client waits a time of its own, and stays meanwhile."""

log = get_logger(__name__)


class Orders:
    """Carry out orders for one client; each raises Disconnected where it ends the connection, and what sending raises."""

    __slots__ = ("_codec", "_entered", "_node", "_requests", "_socket")

    def __init__(self, node: Node, entered: Entered, requests: Requests, socket: ClientSocket, codec: Codec) -> None:
        self._node = node
        self._entered = entered
        self._requests = requests
        self._socket = socket
        self._codec = codec

    async def subscribe(self, directive: SubscribeUser) -> None:
        """Subscribe the client from the server's side; raises BrokerUnavailable, and can be repeated then."""
        channels, channel = self._entered.session.channels, directive.channel
        async with self._requests.changing:
            if channel in channels.held:
                return
            if channels.full:
                raise Disconnected(codes.CHANNEL_LIMIT)
            try:
                await self._subscribe(directive)
            except BaseException as error:
                channels.forget(channel)
                if not isinstance(error, RequestError):
                    raise
                log.info("a client can't be subscribed", channel=channel, reason=str(error))

    async def unsubscribe(self, channel: str, code: UnsubscribeCode) -> None:
        """End the client's subscription to a channel, whoever made it, or to all ("") but its inbox."""
        async with self._requests.changing:
            for membership in self._entered.memberships.all():
                if channel in ("", membership.channel) and membership.channel != self._entered.session.inbox:
                    await self._end(membership, code)

    async def end_expired(self, channel: str) -> None:
        """End a subscription whose token was not followed by a new one; one that came while this waited counts."""
        async with self._requests.changing:
            membership = self._entered.memberships.get(channel)
            if membership is not None and channel in dict(self._entered.session.channels.expired()):
                await self._end(membership, codes.SUBSCRIPTION_OVER)

    def next_try(self) -> float:
        """Give the time (Unix seconds) at which the application is asked again, unless it prolongs something until then."""
        return self._node.clock() + random.uniform(*RETRY_SECONDS)  # noqa: S311 - jitter, not a secret

    async def refresh(self) -> None:
        """Have the application prolong the connection; where it can't be asked now it is asked again later."""
        until = await self._ask_to_stay()
        if until is not None:
            if until <= self._node.clock():
                raise Disconnected(codes.CONNECTION_EXPIRED)
            self._entered.session.expire_at = _expiry(until)
            self._requests.note_expiry()

    async def tell_refreshed(self) -> None:
        """Tell the client that the server gave its connection another end, or none."""
        await self._send(RefreshedByServer(self._entered.session.ttl))

    async def refresh_subscription(self, channel: str) -> None:
        """Have the application prolong a subscription, as `refresh` does the connection."""
        membership = self._entered.memberships.get(channel)
        until = None if membership is None else await self._ask_to_stay(channel)
        if until is None:
            return
        async with self._requests.changing:
            if membership is None or self._entered.memberships.get(channel) is not membership:
                return  # it ended meanwhile
            if until > self._node.clock():
                self._entered.session.channels.held[channel].expire_at = _expiry(until)
                self._requests.note_expiry()
            elif membership.terms.by_server:
                raise Disconnected(codes.SUBSCRIPTION_EXPIRED)
            else:
                await self._end(membership, codes.SUBSCRIPTION_OVER)

    async def begin_anew(self, subscription: Subscription) -> None:
        """End a positioned subscription of which publications are missing: the client learns so by subscribing again (§6.5)."""
        async with self._requests.changing:
            membership = self._entered.memberships.get(subscription.topic.channel)
            if membership is None or membership.subscription is not subscription:
                return
            if membership.terms.by_server:
                raise Disconnected(codes.INSUFFICIENT_STATE)
            await self._end(membership, codes.STATE_INSUFFICIENT)

    async def _subscribe(self, directive: SubscribeUser) -> None:
        info, data = bytes(directive.info or b""), bytes(directive.data or b"")
        given = ServerSubscription(info, data, directive.override, directive.expire_at)
        channels = self._entered.session.channels
        terms = channels.have(directive.channel, given)
        since = Position.parse_since(directive.since) if directive.since and terms.recoverable else None
        memberships = self._entered.memberships
        recover = channels.position_to_recover(terms, since)
        membership = await memberships.prepare(Attach(None, directive.channel, terms, recover=recover))
        if missed := membership.subscribed.publications:
            membership.subscription.cursor = missed[0].prev  # this push carries none: they follow by themselves
        await self._send(SubscribedByServer(directive.channel, membership.subscribed))
        memberships.start(membership)
        await memberships.join(membership)
        if terms.expire_at:
            self._requests.note_expiry()

    async def _ask_to_stay(self, channel: str = "") -> float | None:
        """Ask as `ask_to_stay` does; one that is refused stays no longer. None where nobody could be asked."""
        try:
            return await ask_to_stay(self._node.hooks, self._entered.session.client, channel)
        except RequestError as error:
            log.debug("a client was not prolonged", client=self._entered.session.client.id, reason=str(error))
            return -math.inf
        except HookUnavailable as error:
            log.debug("a client is prolonged later", client=self._entered.session.client.id, reason=str(error))
            return None

    async def _end(self, membership: Membership, code: UnsubscribeCode) -> None:
        self._entered.session.channels.forget(membership.channel)
        await self._entered.memberships.leave(membership)
        await self._send(UnsubscribedByServer(membership.channel, code))

    async def _send(self, push: Push) -> None:
        if frame := self._codec.encode(push):
            await self._socket.send(frame)


def _expiry(until: float) -> float:
    """Write a time as a session has it: 0 for never."""
    return 0 if until == math.inf else until
