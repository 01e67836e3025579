"""What clients of the plain protocol do by single requests: who hears by a stream has no other way to speak.

Each request says whose it is, so any node answers it, and none need know of a connection.
"""

from __future__ import annotations

from collections import OrderedDict
from uuid import uuid4

import trio

from trio_gateway.broker.broker import Ack
from trio_gateway.gateway.asking import ask
from trio_gateway.gateway.connecting import refused_plain
from trio_gateway.gateway.identifying import identify_plain
from trio_gateway.gateway.node import Node
from trio_gateway.model.channel import inbox_of
from trio_gateway.model.commands import Publish, Send
from trio_gateway.model.errors import BadRequest, Disconnected, TooManyRequests
from trio_gateway.model.position import Position
from trio_gateway.model.replies import Published
from trio_gateway.session.client import Client
from trio_gateway.session.connecting import Admission
from trio_gateway.session.effects import Store
from trio_gateway.session.rate import Rate
from trio_gateway.session.session import Session
from trio_gateway.wire.request import Request

MAX_RATES = 10_000
"""Users whose rates are known at a time; the one that asked longest ago is forgotten, and begins anew."""


class Acting:
    """Do for users of this node what single requests ask."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._rates: OrderedDict[str, Rate] = OrderedDict()

    async def identify(self, request: Request) -> Admission:
        """Find out whose request this is.

        Raises the RequestError that refuses it (TooManyRequests for one too many of its user), BrokerUnavailable, and
        whatever the application's own authentication breaks with.
        """
        _opening, admission = await identify_plain(self._node, request)
        if not self._rate_of(admission.user.id).allow(trio.current_time()):
            raise TooManyRequests("a user asks less in that time")
        try:
            await self._node.bans.check(admission)
        except Disconnected as kept_out:
            raise refused_plain(kept_out) from kept_out
        return admission

    async def acknowledge(self, admission: Admission, position: Position) -> None:
        """Move the cursor of a device to a position, soon; one of another epoch is void.

        Raises BadRequest without a device or beyond the end of its inbox, BrokerUnavailable.
        """
        if not admission.device:
            raise BadRequest("only a device acknowledges: name one by the parameter device")
        inbox = inbox_of(admission.user.id)
        attachment = await self._node.broker.attach(inbox)
        if position.epoch != attachment.epoch:
            return
        if position.offset > attachment.top:
            raise BadRequest("nothing has that offset yet")
        self._node.hub.acks.add_nowait(Ack(inbox, admission.device, position))

    async def publish(self, admission: Admission, command: Publish | Send, address: str) -> Published:
        """Publish what a user sends.

        Raises the RequestError that refuses it, BrokerUnavailable, Disconnected, and whatever a hook breaks with.
        """
        node = self._node
        client = Client(str(uuid4()), admission.user, admission.device, address, "plain", admission.info)
        hook = node.hooks.on_message
        session = Session(client, node.settings, node.verifier, answers_messages=hook is not None, clock=node.clock)
        effect = session.decide(command)
        assert isinstance(effect, Store), "who may publish is published"
        data = None if hook is None else await ask(hook, client, command)
        position = await node.broker.publish(
            effect.channel, effect.data, id=effect.id, sender=effect.sender, info=effect.info
        )
        return Published(effect.ref, position.offset, data)

    def _rate_of(self, user: str) -> Rate:
        rate = self._rates.pop(user, None)
        if rate is None:
            settings = self._node.settings
            rate = Rate(settings.commands_per_second, settings.command_burst, trio.current_time())
        self._rates[user] = rate
        if len(self._rates) > MAX_RATES:
            self._rates.popitem(last=False)
        return rate
