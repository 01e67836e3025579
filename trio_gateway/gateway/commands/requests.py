"""What clients ask is carried out here: effects of the session become calls of the hub, the store and the hooks.

Frames of one read are one batch, answered in one write; only a subscription's answer goes out by
itself, since its publications may follow at once. Answers that grow large do not wait for the end, and
none waits for the application, which is asked about the next.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar

import trio

from trio_gateway.broker.broker import Draft
from trio_gateway.gateway.commands.publishing import publish
from trio_gateway.gateway.commands.reading import read_history, read_presence
from trio_gateway.gateway.nodes.node import Node
from trio_gateway.gateway.opening.entering import Entered
from trio_gateway.gateway.transport.socket import ClientSocket
from trio_gateway.hooks.asking import ask_for, ask_to_subscribe
from trio_gateway.model.codes import REQUESTS_TOO_MANY
from trio_gateway.model.commands import Command, Pong
from trio_gateway.model.errors import BrokerUnavailable, Disconnected, RequestError, TooManyRequests
from trio_gateway.model.position import Position
from trio_gateway.model.replies import (
    Answer,
    Answered,
    Error,
    Published,
    Refreshed,
    SubscriptionRefreshed,
    Unsubscribed,
)
from trio_gateway.session.effects import (
    Ask,
    AskToSubscribe,
    Attach,
    Detach,
    Effect,
    MoveCursor,
    ReadHistory,
    ReadPresence,
    Store,
)
from trio_gateway.session.keys import UnknownKey
from trio_gateway.session.rate import Rate
from trio_gateway.session.session import Outcome, refusal
from trio_gateway.wire.codec import Codec

ANSWERS_BYTES = 65_536
"""Answers of a batch that wait for its end: one read may ask for a thousand histories, of 1 MiB each."""


class Requests:
    """Answer one client's requests, in order.

    `note_expiry` is called when something was granted for a time. Whoever changes the client's
    subscriptions, the client itself or the server, holds `changing`.
    """

    __slots__ = (
        "_codec",
        "_entered",
        "_memberships",
        "_node",
        "_rate",
        "_session",
        "_socket",
        "changing",
        "note_expiry",
    )

    def __init__(
        self, node: Node, entered: Entered, socket: ClientSocket, codec: Codec, note_expiry: Callable[[], None]
    ) -> None:
        settings = node.settings
        self.changing = trio.Lock()
        self._node = node
        self._entered = entered
        self._session = entered.session
        self._memberships = entered.memberships
        self._socket = socket
        self._codec = codec
        self.note_expiry = note_expiry
        self._rate = Rate(settings.commands_per_second, settings.command_burst, trio.current_time())

    async def carry_out(self, commands: Sequence[Command | Error]) -> None:
        """Carry out a batch of commands and write the answers, also those before one that ends the connection.

        Raises what ends the connection: Disconnected, OSError or trio.ClosedResourceError from the
        socket, and whatever an application's hook breaks with.
        """
        answers: list[bytes] = []
        stores: list[Store] = []
        try:
            try:
                await self._carry_out_all(commands, stores, answers)
            finally:
                await self._store_all(stores, answers)
        except Exception:
            await self._send(answers)  # what took effect is said before the goodbye
            raise
        await self._send(answers)

    async def join_all(self) -> None:
        """Take the client's place in the presence of all channels that it entered with and still has."""
        async with self.changing:
            await self._entered.join_all()

    async def _carry_out_all(
        self, commands: Sequence[Command | Error], stores: list[Store], answers: list[bytes]
    ) -> None:
        """Carry commands out in their order; what follows each other to the store is left in `stores`, to go there at once."""
        now, size = trio.current_time(), 0
        for command in commands:
            outcome: Outcome
            # A pong is told of in any case: the server asked for it.
            if not self._rate.allow(now) and not isinstance(command, Pong):
                outcome = self._refuse(command)
            else:
                outcome = command if isinstance(command, Error) else await self._decide(command)
            if isinstance(outcome, Store) and not (outcome.undecided or self._node.hooks.on_message):
                stores.append(outcome)
            elif outcome is not None:
                first = len(answers)
                await self._store_all(stores, answers)  # answers keep the order of the requests
                await self._settle(outcome, answers)
                size += sum(map(len, answers[first:]))
                if size >= ANSWERS_BYTES:
                    await self._send(answers)
                    size = 0

    async def _send(self, answers: list[bytes]) -> None:
        """Write the answers that there are, and empty the list."""
        if answers:
            joined = b"".join(answers)
            answers.clear()
            await self._socket.send(joined)

    async def _decide(self, command: Command) -> Outcome:
        try:
            return self._session.receive(command)
        except UnknownKey:
            return await self._decide_with_newer_keys(command)

    async def _decide_with_newer_keys(self, command: Command) -> Outcome:
        try:
            return await self._node.keys.check(lambda: self._session.receive(command))
        except BrokerUnavailable as error:
            return refusal(getattr(command, "ref", None), error)

    def _refuse(self, command: Command | Error) -> Error:
        """Refuse what goes beyond the client's rate; raises Disconnected where it goes on and on."""
        if self._rate.exceeded:
            raise Disconnected(REQUESTS_TOO_MANY)
        return refusal(getattr(command, "ref", None), TooManyRequests("a client asks less in that time"))

    async def _settle(self, outcome: Effect | Answer, answers: list[bytes]) -> None:
        """Carry out an effect, and add the answer where the client wants one."""
        take_effect = self._EFFECTS.get(type(outcome))
        if take_effect is None:
            if isinstance(outcome, (Refreshed, SubscriptionRefreshed)):
                self.note_expiry()
            self._add(outcome, answers)
            return
        try:
            answer = await take_effect(self, outcome, answers)
        except (RequestError, BrokerUnavailable) as error:
            answers.append(self._codec.encode(refusal(outcome.ref, error)))
        else:
            self._add(answer, answers)

    def _add(self, answer: Any, answers: list[bytes]) -> None:
        # An error is told also to who gave no mark, where the protocol can.
        if answer is not None and (answer.ref is not None or isinstance(answer, Error)):
            answers.append(self._codec.encode(answer))

    async def _store(self, effect: Store, answers: list[bytes]) -> Published:
        """Publish what the application is asked about first, by itself."""
        await self._send(answers)
        return await publish(self._node, self._session.client, effect)

    async def _store_all(self, stores: list[Store], answers: list[bytes]) -> None:
        """Publish what waits, in one write to the store, and empty the list."""
        if not stores:
            return
        drafts = [Draft(one.channel, one.data, one.id, one.sender, one.info) for one in stores]
        effects = tuple(stores)
        stores.clear()
        for effect, result in zip(effects, await self._node.broker.publish_all(drafts), strict=True):
            if isinstance(result, Position):
                self._add(Published(effect.ref, result.offset), answers)
            else:
                answers.append(self._codec.encode(refusal(effect.ref, result)))

    async def _ask(self, effect: Ask, answers: list[bytes]) -> Answered:
        await self._send(answers)
        return Answered(effect.ref, await ask_for(self._node.hooks, self._session.client, effect.asked))

    async def _ask_to_subscribe(self, effect: AskToSubscribe, answers: list[bytes]) -> None:
        await self._send(answers)
        given = await ask_to_subscribe(self._node.hooks, self._session.client, effect.asked)
        await self._attach(self._session.channels.grant(effect.asked, given), answers)

    async def _attach(self, effect: Attach, answers: list[bytes]) -> None:
        """Subscribe, and write the answer in the same step in which the subscription starts."""
        async with self.changing:
            try:
                membership = await self._memberships.prepare(effect)
            except BaseException:
                self._session.channels.forget(effect.channel)
                raise
            self._add(membership.subscribed, answers)
            await self._send(answers)
            self._memberships.start(membership)
            await self._memberships.join(membership)
        if effect.terms.expire_at:
            self.note_expiry()

    async def _detach(self, effect: Detach, _answers: list[bytes]) -> Unsubscribed:
        async with self.changing:
            membership = self._memberships.get(effect.channel)
            if membership is not None:
                await self._memberships.leave(membership)
        return Unsubscribed(effect.ref)

    async def _read_presence(self, effect: ReadPresence, _answers: list[bytes]) -> Answer:
        return await read_presence(self._node.broker, effect)

    async def _read_history(self, effect: ReadHistory, _answers: list[bytes]) -> Answer:
        return await read_history(self._node.broker, effect)

    async def _move_cursor(self, effect: MoveCursor, _answers: list[bytes]) -> Answered:
        inbox = self._memberships.inbox
        self._node.hub.acknowledge_nowait(inbox.topic.channel, self._session.client.device, effect.position)
        return Answered(effect.ref, b"{}")

    _EFFECTS: ClassVar[dict[type, Callable[..., Awaitable[Any]]]] = {
        Store: _store,
        Ask: _ask,
        AskToSubscribe: _ask_to_subscribe,
        Attach: _attach,
        Detach: _detach,
        ReadPresence: _read_presence,
        ReadHistory: _read_history,
        MoveCursor: _move_cursor,
    }
