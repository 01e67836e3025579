"""A session is one connected client's state without I/O: a command comes in, an effect or an answer comes out.

What a client may do is decided here, in `subscribing.py` and in `permissions.py`, and nowhere else.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, ClassVar

import msgspec

from trio_gateway.model.channel import inbox_of
from trio_gateway.model.codes import (
    CONNECTION_EXPIRED,
    INSUFFICIENT_STATE,
    INVALID_TOKEN,
    MESSAGES_NOT_TAKEN,
    REQUEST_BROKEN,
)
from trio_gateway.model.commands import (
    Acknowledge,
    AskHistory,
    AskPresence,
    AskPresenceStatistics,
    Break,
    Call,
    Command,
    Connect,
    Message,
    Pong,
    Publish,
    Ref,
    Refresh,
    RefreshSubscription,
    Send,
    Subscribe,
    Unsubscribe,
)
from trio_gateway.model.errors import (
    BadRequest,
    BrokerUnavailable,
    Disconnected,
    MethodNotFound,
    NotAvailable,
    PermissionDenied,
    RequestError,
    TokenExpired,
    Unauthorized,
)
from trio_gateway.model.position import START, Position
from trio_gateway.model.replies import Answer, Answered, Error, Refreshed, SubscriptionRefreshed, Unsubscribed
from trio_gateway.model.user import check_user_id
from trio_gateway.session import permissions
from trio_gateway.session.asks import NOTHING, Asks
from trio_gateway.session.client import Client
from trio_gateway.session.connecting import Admission, expires_in
from trio_gateway.session.effects import Ask, Detach, Effect, MoveCursor, ReadHistory, ReadPresence, Store
from trio_gateway.session.keys import UnknownKey
from trio_gateway.session.subscribing import Subscribing
from trio_gateway.session.tokens import Verifier, has_passed
from trio_gateway.settings.settings import Settings

Outcome = Effect | Answer | None

ACKNOWLEDGE = "ack"
"""The method by which clients that have no frame for it acknowledge."""


class _Acknowledged(msgspec.Struct):
    offset: int
    epoch: str = ""


class Session:
    """Decide what one client's commands come to.

    `greeted` is the position in its hello, `delivered` tells up to where its inbox was handed to the
    socket. `asks` says what the application is asked about. `strict` is for protocols in which every slip
    ends the connection. `clock` gives Unix seconds.
    """

    __slots__ = (
        "_asks",
        "_channels_of_token",
        "_clock",
        "_delivered",
        "_greeted",
        "_pings_unanswered",
        "_settings",
        "_strict",
        "_verifier",
        "channels",
        "client",
        "expire_at",
        "inbox",
        "ponged",
    )

    def __init__(
        self,
        client: Client,
        settings: Settings,
        verifier: Verifier,
        *,
        admission: Admission | None = None,
        asks: Asks = NOTHING,
        strict: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.client = client
        self.channels = Subscribing(client, settings, verifier, strict=strict, clock=clock)
        self.expire_at = 0.0 if admission is None or settings.insecure else admission.expire_at
        self.ponged = False
        self._pings_unanswered = 0
        self._channels_of_token = frozenset(() if admission is None else admission.channels)
        self._settings = settings
        self._verifier = verifier
        self.inbox = inbox_of(client.user.id)
        self._greeted = START
        self._delivered: Callable[[], Position] = lambda: START
        self._asks = asks
        self._strict = strict
        self._clock = clock

    def begin_inbox(self, greeted: Position, delivered: Callable[[], Position]) -> None:
        """Learn where delivery of the inbox starts, and whom to ask how far it has come."""
        self._greeted, self._delivered = greeted, delivered

    def note_ping(self) -> None:
        """Learn that the client was asked for a pong in the protocol itself."""
        self.ponged = False
        self._pings_unanswered += 1

    def receive(self, command: Command) -> Outcome:
        """Decide about one command: an effect to carry out, an answer, or None where there is nothing to do.

        Raises Disconnected for what ends the connection, UnknownKey where a token's key may be fetched:
        the command can be received again then.
        """
        try:
            return self.decide(command)
        except UnknownKey:
            raise
        except RequestError as error:
            return refusal(getattr(command, "ref", None), error)

    def decide(self, command: Command) -> Outcome:
        """Decide as `receive` does, but raise the RequestError that refuses the command."""
        return self._HANDLERS[type(command)](self, command)

    @property
    def refreshed_by_server(self) -> bool:
        """Tell whether the application prolongs the connection, instead of a new token."""
        return self._asks.refreshes

    @property
    def due(self) -> float:
        """Give the time (Unix seconds) until which the connection or a channel must be prolonged; infinity for never."""
        return min(self._due, self.channels.due)

    @property
    def expired(self) -> bool:
        """Tell whether the connection was not prolonged in time."""
        return self._due <= self._clock()

    @property
    def _due(self) -> float:
        """Tell until when the connection must be prolonged: a client has some time for it, the server needs none."""
        if not self.expire_at:
            return math.inf
        return self.expire_at + (0 if self.refreshed_by_server else self._settings.token_grace_seconds)

    @property
    def ttl(self) -> int | None:
        """Tell in how many seconds the client must bring a new token, None for never."""
        return None if self.refreshed_by_server else expires_in(self.expire_at, self._clock())

    def _connect(self, _command: Connect) -> Outcome:
        raise Disconnected(REQUEST_BROKEN)

    def _break(self, command: Break) -> Outcome:
        raise Disconnected(command.disconnect)

    def _message(self, command: Message) -> Outcome:
        if self._asks.messages or (self._asks.calls and not self._strict):
            return Ask(command.ref, command)
        if self._strict:
            raise Disconnected(MESSAGES_NOT_TAKEN)
        raise MethodNotFound("nothing here takes messages")

    def _call(self, command: Call) -> Outcome:
        if command.method == ACKNOWLEDGE and self._acknowledges:
            return self._acknowledge_by_call(command)
        if not self._asks.calls:
            raise NotAvailable("nothing here takes calls")
        return Ask(command.ref, command)

    def _send(self, command: Send) -> Outcome:
        rules = self._settings.namespaces.inbox
        if not (rules.allow_send_for_client or rules.publish_proxy_enabled):
            raise PermissionDenied("clients may not send")
        return self._store(command, inbox_of(check_user_id(command.to)), undecided=rules.publish_proxy_enabled)

    def _publish(self, command: Publish) -> Outcome:
        channel = command.channel
        rules = self.channels.check(channel)
        undecided = rules.publish_proxy_enabled
        if not (undecided or permissions.may_publish(rules, self.channels.asker(channel))):
            raise PermissionDenied("clients may not publish here")
        if rules.publication_data_format == "json_object" and not command.data.lstrip(b" \t\r\n").startswith(b"{"):
            raise BadRequest("what is published here is a JSON object")
        return self._store(command, channel, undecided=undecided)

    def _store(self, command: Publish | Send, channel: str, *, undecided: bool) -> Store:
        info = self.channels.described(channel)
        return Store(command.ref, channel, command.data, command.id, self.client.user.id, info, command, undecided)

    def _subscribe(self, command: Subscribe) -> Outcome:
        return self.channels.subscribe(command)

    def _unsubscribe(self, command: Unsubscribe) -> Outcome:
        if not self.channels.unsubscribe(command):
            return Unsubscribed(command.ref)
        return Detach(command.ref, command.channel)

    def _ask_presence(self, command: AskPresence | AskPresenceStatistics) -> Outcome:
        self._require_presence(command.channel)
        return ReadPresence(command.ref, command.channel, counted=isinstance(command, AskPresenceStatistics))

    def _require_presence(self, channel: str) -> None:
        if self.channels.is_own_inbox(channel):
            available, allowed = self._settings.namespaces.inbox.presence, True
        else:
            rules = self.channels.check(channel)
            available, allowed = rules.presence, permissions.may_see(rules, self.channels.asker(channel))
        _require(available, allowed, "presence")

    def _ask_history(self, command: AskHistory) -> Outcome:
        channel = command.channel
        if self.channels.is_own_inbox(channel):
            available, allowed = bool(self._settings.namespaces.inbox.history.size), True
        else:
            rules = self.channels.check(channel)
            available, allowed = bool(rules.history.size), permissions.may_read(rules, self.channels.asker(channel))
        _require(available, allowed, "history")
        most = self._settings.max_recovery
        limit = most if command.limit < 0 else min(command.limit, most)
        return ReadHistory(command.ref, channel, limit, command.since, command.reverse)

    def _refresh(self, command: Refresh) -> Outcome:
        if self.refreshed_by_server:
            raise Disconnected(REQUEST_BROKEN)
        try:
            claims = self._verifier.connection(command.token, ignore_expiry=self._settings.insecure)
        except UnknownKey:
            raise
        except TokenExpired as error:
            raise Disconnected(CONNECTION_EXPIRED) from error
        except Unauthorized as error:
            raise Disconnected(INVALID_TOKEN) from error
        if claims.user != self.client.user.id:
            raise Disconnected(INVALID_TOKEN)
        if frozenset(Admission.of(claims).channels) != self._channels_of_token:
            raise Disconnected(INSUFFICIENT_STATE)  # it connects again, and has the other channels then
        if has_passed(claims.expire_at, self._clock()) and not self._settings.insecure:
            raise Disconnected(CONNECTION_EXPIRED)
        self.expire_at = 0.0 if self._settings.insecure else claims.expire_at
        return Refreshed(command.ref, self.ttl)

    def _refresh_subscription(self, command: RefreshSubscription) -> Outcome:
        expire_at = self.channels.refresh(command)
        return SubscriptionRefreshed(command.ref, expires_in(expire_at, self._clock()))

    @property
    def _acknowledges(self) -> bool:
        """Tell whether the client is a device with an inbox, which has a cursor there."""
        return bool(self.client.device and self.client.user.id)

    def _acknowledge(self, command: Acknowledge) -> Outcome:
        position = self._acknowledged(command.offset, command.epoch)
        return None if position is None else MoveCursor(position)

    def _acknowledge_by_call(self, command: Call) -> Outcome:
        try:
            asked = msgspec.json.decode(command.data, type=_Acknowledged)
        except (msgspec.DecodeError, RecursionError) as error:
            raise BadRequest(f'expected {{"offset": …, "epoch": …}}: {error}') from error
        position = self._acknowledged(asked.offset, asked.epoch)
        return Answered(command.ref, b"{}") if position is None else MoveCursor(position, command.ref)

    def _acknowledged(self, offset: int, epoch: str) -> Position | None:
        """Find where an acknowledgement moves the cursor; None where it is void. Raises BadRequest."""
        if not self._acknowledges:
            raise BadRequest("only a device acknowledges: name one when you connect")
        delivered = self._delivered()
        if not epoch and delivered.epoch not in ("", self._greeted.epoch):
            raise BadRequest("the epoch changed: acknowledge with the epoch of the gap's position")
        if epoch and epoch != delivered.epoch:
            return None  # it crossed a change of the epoch on the wire: void, and nobody's fault
        greeted = self._greeted.offset if delivered.epoch in ("", self._greeted.epoch) else 0
        if not 0 <= offset <= max(greeted, delivered.offset):
            raise BadRequest("this connection was not sent that offset yet")
        return Position(delivered.epoch or self._greeted.epoch, offset)

    def _pong(self, _command: Pong) -> Outcome:
        if self._strict:
            if not self._pings_unanswered:
                raise Disconnected(REQUEST_BROKEN)
            self._pings_unanswered -= 1
        self.ponged = True
        return None

    _HANDLERS: ClassVar[dict[type, Callable[[Any, Any], Outcome]]] = {
        Connect: _connect,
        Break: _break,
        Publish: _publish,
        Send: _send,
        Message: _message,
        Call: _call,
        Subscribe: _subscribe,
        Unsubscribe: _unsubscribe,
        Acknowledge: _acknowledge,
        AskPresence: _ask_presence,
        AskPresenceStatistics: _ask_presence,
        AskHistory: _ask_history,
        Refresh: _refresh,
        RefreshSubscription: _refresh_subscription,
        Pong: _pong,
    }


def refusal(ref: Ref, error: RequestError | BrokerUnavailable) -> Error:
    """Turn an error into the answer a client gets: the standard words, and in detail what was wrong."""
    code, detail = error.error_code, error.detail
    detail = "" if detail == code.message else detail
    return Error(ref, code.code, code.message, detail=detail, temporary=code.temporary)


def _require(available: bool, allowed: bool, what: str) -> None:
    if not available:
        raise NotAvailable(f"this channel has no {what}")
    if not allowed:
        raise PermissionDenied(f"clients may not ask for the {what} here")
