"""What clients ask is carried out here: effects of the session become calls of the hub, the store and the hooks.

Frames of one read are one batch, answered in one write; only a subscription's answer goes out by
itself, since its publications may follow at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from trio_gateway.gateway.hooks import ClientMessage
from trio_gateway.hub.subscription import Subscriber, Subscription
from trio_gateway.model.commands import Error, Message, Ok, Publish, Send
from trio_gateway.model.errors import BrokerUnavailable, InvalidData, RequestError
from trio_gateway.session.effects import Ask, Attach, Detach, Effect, MoveCursor, Store
from trio_gateway.session.session import Session, refusal

if TYPE_CHECKING:
    from trio_gateway.gateway.node import Node
    from trio_gateway.gateway.socket import ClientSocket


class Requests:
    """Answer one client's requests, in order."""

    __slots__ = ("_codec", "_ended", "_inbox", "_node", "_session", "_socket", "_subscriber", "_subscriptions")

    def __init__(
        self, node: Node, session: Session, socket: ClientSocket, subscriber: Subscriber, inbox: Subscription
    ) -> None:
        self._node = node
        self._session = session
        self._socket = socket
        self._subscriber = subscriber
        self._codec = subscriber.codec
        self._inbox = inbox
        self._subscriptions: dict[str, Subscription] = {}
        self._ended = False

    async def answer(self, texts: Iterable[bytes]) -> None:
        """Carry out a batch of text messages and write the answers, also those before one that ends the connection.

        Raises what ends the connection: Disconnected from a hook, OSError or
        trio.ClosedResourceError from the socket, and whatever an application's hook breaks with.
        """
        answers: list[bytes] = []
        try:
            await self._carry_out_all(texts, answers)
        except Exception:
            if answers:  # what took effect is said before the goodbye
                await self._socket.send(b"".join(answers))
            raise
        if answers:
            await self._socket.send(b"".join(answers))

    async def _carry_out_all(self, texts: Iterable[bytes], answers: list[bytes]) -> None:
        receive, encode = self._session.receive, self._codec.encode
        for text in texts:
            for command in self._codec.decode(text):
                outcome = command if isinstance(command, Error) else receive(command)
                if isinstance(outcome, Error) or (isinstance(outcome, Ok) and outcome.ref is not None):
                    answers.append(encode(outcome))
                elif outcome is not None and not isinstance(outcome, Ok):
                    await self._carry_out(outcome, answers)

    def end(self) -> None:
        """End every subscription of this client; does nothing the second time."""
        if not self._ended:
            self._ended = True
            for subscription in (self._inbox, *self._subscriptions.values()):
                self._node.hub.unsubscribe(subscription)

    async def _carry_out(self, effect: Effect, answers: list[bytes]) -> None:
        if isinstance(effect, MoveCursor):
            device = self._session.client.device
            self._node.hub.acknowledge_nowait(self._inbox, device, effect.position)
            return
        try:
            answer = await self._take_effect(effect, answers)
        except (RequestError, BrokerUnavailable) as error:
            answers.append(self._codec.encode(refusal(effect.ref, error)))
        else:
            if answer is not None and answer.ref is not None:
                answers.append(self._codec.encode(answer))

    async def _take_effect(self, effect: Store | Ask | Attach | Detach, answers: list[bytes]) -> Ok | None:
        match effect:
            case Store():
                return await self._store(effect)
            case Ask():
                return Ok(effect.ref, data=await self._ask(effect.asked))
            case Attach():
                await self._attach(effect, answers)
                return None
            case Detach():
                self._node.hub.unsubscribe(self._subscriptions.pop(effect.channel))
                return Ok(effect.ref)

    async def _store(self, effect: Store) -> Ok:
        data = await self._ask(effect.asked) if self._node.hooks.on_message else None
        position = await self._node.broker.publish(effect.channel, effect.data, id=effect.id, sender=effect.sender)
        return Ok(effect.ref, offset=position.offset, data=data)

    async def _ask(self, asked: Message | Send | Publish) -> bytes | None:
        """Hand what the client sent to the application; answers JSON text, None where it returned None."""
        hook = self._node.hooks.on_message
        assert hook is not None, "the session lets messages through only where there is a hook"
        answer = await hook(self._session.client, _client_message(asked))
        return None if answer is None else msgspec.json.encode(answer)

    async def _attach(self, effect: Attach, answers: list[bytes]) -> None:
        """Subscribe, and write the answer in the same step in which the subscription starts."""
        try:
            subscription = await self._node.hub.subscribe(self._subscriber, effect.channel, since=effect.since)
        except BaseException:
            self._session.forget(effect.channel)
            raise
        self._subscriptions[effect.channel] = subscription
        if effect.ref is not None:
            answers.append(self._codec.encode(Ok(effect.ref, position=subscription.greeting)))
        await self._socket.send(b"".join(answers))
        answers.clear()
        subscription.start()


def _client_message(asked: Message | Send | Publish) -> ClientMessage:
    try:
        data = msgspec.json.decode(asked.data)
    except msgspec.DecodeError as error:
        raise InvalidData(str(error)) from None
    match asked:
        case Message():
            return ClientMessage("message", data)
        case Send():
            return ClientMessage("send", data, "#" + asked.to, asked.id)
        case Publish():
            return ClientMessage("publish", data, asked.channel, asked.id)
