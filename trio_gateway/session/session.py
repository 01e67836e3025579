"""A session is one client's state without I/O: a command comes in, an effect or an answer comes out.

What a client may do is decided here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from trio_gateway.model.channel import RESERVED_SIGN, check_channel, inbox_of, is_inbox
from trio_gateway.model.commands import (
    Acknowledge,
    Command,
    Error,
    Message,
    Ok,
    Pong,
    Publish,
    Ref,
    Send,
    Subscribe,
    Unsubscribe,
)
from trio_gateway.model.errors import (
    AlreadySubscribed,
    BadRequest,
    BrokerUnavailable,
    LimitExceeded,
    MethodNotFound,
    PermissionDenied,
    RequestError,
)
from trio_gateway.model.position import Position
from trio_gateway.model.user import check_user_id
from trio_gateway.session.client import Client
from trio_gateway.session.effects import Ask, Attach, Detach, Effect, MoveCursor, Store
from trio_gateway.settings.settings import Settings

Outcome = Effect | Ok | Error | None


class Session:
    """Decide what one client's commands come to.

    `greeted` is the position in its hello, `delivered` tells up to where its inbox was handed to the
    socket. `answers_messages` says whether the application takes messages.
    """

    __slots__ = ("_answers_messages", "_delivered", "_greeted", "_inbox", "_settings", "channels", "client", "ponged")

    def __init__(
        self,
        client: Client,
        settings: Settings,
        *,
        greeted: Position,
        delivered: Callable[[], Position],
        answers_messages: bool = False,
    ) -> None:
        self.client = client
        self.channels: set[str] = set()
        self.ponged = False
        self._settings = settings
        self._inbox = inbox_of(client.user.id)
        self._greeted = greeted
        self._delivered = delivered
        self._answers_messages = answers_messages

    def receive(self, command: Command) -> Outcome:
        """Decide about one command: an effect to carry out, an answer, or None where there is nothing to do."""
        try:
            return self._HANDLERS[type(command)](self, command)
        except RequestError as error:
            return refusal(getattr(command, "ref", None), error)

    def forget(self, channel: str) -> None:
        """Take back a subscription that could not be made."""
        self.channels.discard(channel)

    def _message(self, command: Message) -> Outcome:
        if not self._answers_messages:
            raise MethodNotFound("nothing here takes messages")
        return Ask(command.ref, command)

    def _send(self, command: Send) -> Outcome:
        if not self._settings.namespaces.inbox.allow_send_for_client:
            raise PermissionDenied("clients may not send")
        channel = inbox_of(check_user_id(command.to))
        return self._store(command, channel)

    def _publish(self, command: Publish) -> Outcome:
        channel = self._channel(command.channel)
        if not self._settings.namespaces.rules_of(channel).allow_publish_for_client:
            raise PermissionDenied("clients may not publish here")
        return self._store(command, channel)

    def _store(self, command: Publish | Send, channel: str) -> Store:
        return Store(command.ref, channel, command.data, command.id, self.client.user.id, command)

    def _subscribe(self, command: Subscribe) -> Outcome:
        if command.channel == self._inbox or command.channel in self.channels:
            raise AlreadySubscribed("this connection has that channel already")
        channel = self._channel(command.channel)
        if not self._settings.namespaces.rules_of(channel).allow_subscribe_for_client:
            raise PermissionDenied("clients may not subscribe here")
        if len(self.channels) >= self._settings.max_channels:
            raise LimitExceeded(f"a connection has at most {self._settings.max_channels} channels")
        self.channels.add(channel)
        return Attach(command.ref, channel, command.since)

    def _unsubscribe(self, command: Unsubscribe) -> Outcome:
        if command.channel == self._inbox:
            raise PermissionDenied("the inbox stays as long as the connection")
        if command.channel not in self.channels:
            return Ok(command.ref)
        self.channels.remove(command.channel)
        return Detach(command.ref, command.channel)

    def _acknowledge(self, command: Acknowledge) -> Outcome:
        if not self.client.device:
            raise BadRequest("only a device acknowledges: connect with ?device=")
        delivered = self._delivered()
        if not command.epoch and delivered.epoch not in ("", self._greeted.epoch):
            raise BadRequest("the epoch changed: acknowledge with the epoch of the gap's position")
        if command.epoch and command.epoch != delivered.epoch:
            return None  # it crossed a change of the epoch on the wire: void, and nobody's fault
        greeted = self._greeted.offset if delivered.epoch in ("", self._greeted.epoch) else 0
        if command.offset > max(greeted, delivered.offset):
            raise BadRequest("this connection was not sent that offset yet")
        return MoveCursor(Position(delivered.epoch or self._greeted.epoch, command.offset))

    def _pong(self, _command: Pong) -> Outcome:
        self.ponged = True
        return None

    def _channel(self, channel: str) -> str:
        check_channel(channel, max_bytes=self._settings.max_channel_length)
        if is_inbox(channel) or channel.startswith(RESERVED_SIGN):
            raise PermissionDenied("that channel is not open to clients")
        return channel

    _HANDLERS: ClassVar[dict[type, Callable[..., Outcome]]] = {
        Publish: _publish,
        Send: _send,
        Message: _message,
        Subscribe: _subscribe,
        Unsubscribe: _unsubscribe,
        Acknowledge: _acknowledge,
        Pong: _pong,
    }


def refusal(ref: Ref, error: RequestError | BrokerUnavailable) -> Error:
    """Turn an error into the answer a client gets: the standard words, and in detail what was wrong."""
    return Error(ref, error.code, error.error_code.message, detail=str(error))
