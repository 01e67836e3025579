"""What clients of the plain protocol do by single requests: who hears by a stream has no other way to speak.

Each request says whose it is, so any node answers it, and none need know of a connection.
"""

from __future__ import annotations

from collections import OrderedDict

import trio

from trio_gateway.gateway.commands.publishing import publish
from trio_gateway.gateway.nodes.node import Node
from trio_gateway.gateway.opening.identifying import identify_plain, nobody, refused_plain
from trio_gateway.model.channel import inbox_of
from trio_gateway.model.commands import Publish, Send
from trio_gateway.model.errors import BadRequest, Disconnected, TooManyRequests
from trio_gateway.model.position import Position
from trio_gateway.model.replies import Published
from trio_gateway.session.client import Client
from trio_gateway.session.effects import Store
from trio_gateway.session.rate import Rate
from trio_gateway.session.session import Session
from trio_gateway.wire.plain import PLAIN
from trio_gateway.wire.request import Request

TRANSPORT = "http"
"""What hooks are told that a single request came by."""

MAX_RATES = 10_000
"""Users whose rates are known at a time; the one that asked longest ago is forgotten, and begins anew."""


class SingleRequests:
    """Carry out `/ack`, `/send` and `/publish` at this node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._rates: OrderedDict[str, Rate] = OrderedDict()

    async def identify(self, request: Request, address: str) -> Client:
        """Find out whose request this is.

        Raises the RequestError that refuses it (TooManyRequests for one too many of its user), BrokerUnavailable, and
        whatever the application's own authentication breaks with.
        """
        client = nobody(self._node, request, address, PLAIN.name, TRANSPORT)
        _opening, admission = await identify_plain(self._node, request, client)
        if not self._rate_of(admission.user.id).allow(trio.current_time()):
            raise TooManyRequests("a user asks less in that time")
        try:
            await self._node.bans.check(admission)
        except Disconnected as kept_out:
            raise refused_plain(kept_out) from kept_out
        return admission.of_client(client)

    async def acknowledge(self, client: Client, position: Position) -> None:
        """Move the cursor of a device to a position, soon; one of another epoch is void.

        Raises BadRequest without a device or beyond the end of its inbox, BrokerUnavailable.
        """
        if not client.device:
            raise BadRequest("only a device acknowledges: name one by the parameter device")
        inbox = inbox_of(client.user.id)
        attachment = await self._node.broker.attach(inbox)
        if position.epoch != attachment.epoch:
            return
        if position.offset > attachment.top:
            raise BadRequest("nothing has that offset yet")
        self._node.hub.acknowledge_nowait(inbox, client.device, position)

    async def publish(self, client: Client, command: Publish | Send) -> Published:
        """Publish what a user sends; raises as `publish` does."""
        node = self._node
        session = Session(client, node.settings, node.verifier, asks=node.hooks.asks, clock=node.clock)
        effect = session.decide(command)
        assert isinstance(effect, Store), "who may publish is published"
        return await publish(node, client, effect)

    def _rate_of(self, user: str) -> Rate:
        rate = self._rates.pop(user, None)
        if rate is None:
            settings = self._node.settings
            rate = Rate(settings.commands_per_second, settings.command_burst, trio.current_time())
        self._rates[user] = rate
        if len(self._rates) > MAX_RATES:
            self._rates.popitem(last=False)
        return rate
