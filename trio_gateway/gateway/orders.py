"""Orders are what the server does to one client that did not ask for it: they are carried out in its own writer task.

So a client that does not read keeps nobody waiting but itself.
"""

from __future__ import annotations

from trio_gateway.gateway.entering import Entered
from trio_gateway.gateway.memberships import Membership
from trio_gateway.gateway.node import Node
from trio_gateway.gateway.requests import Requests
from trio_gateway.gateway.socket import ClientSocket
from trio_gateway.hub.subscription import Subscription
from trio_gateway.model import codes
from trio_gateway.model.codes import UnsubscribeCode
from trio_gateway.model.directives import SubscribeUser
from trio_gateway.model.errors import Disconnected, RequestError
from trio_gateway.model.logger import get_logger
from trio_gateway.model.position import Position
from trio_gateway.model.replies import SubscribedByServer, UnsubscribedByServer
from trio_gateway.session.claims import ServerSubscription
from trio_gateway.session.effects import Attach
from trio_gateway.wire.codec import Codec

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
        given = ServerSubscription(bytes(directive.info or b""), bytes(directive.data or b""), directive.override)
        channels = self._entered.session.channels
        terms = channels.have(directive.channel, given, directive.expire_at)
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

    async def _end(self, membership: Membership, code: UnsubscribeCode) -> None:
        self._entered.session.channels.forget(membership.channel)
        await self._entered.memberships.leave(membership)
        await self._send(UnsubscribedByServer(membership.channel, code))

    async def _send(self, push: SubscribedByServer | UnsubscribedByServer) -> None:
        if frame := self._codec.encode(push):
            await self._socket.send(frame)
