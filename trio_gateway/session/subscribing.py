"""Which channels a client has, and on which terms: what it asks for, what its token or a back end gives it."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final

import attrs

from trio_gateway.model.channel import (
    NAMESPACE_BOUNDARY,
    PRIVATE_SIGN,
    check_channel,
    inbox_of,
    is_inbox,
    is_private,
    is_reserved,
)
from trio_gateway.model.codes import INVALID_TOKEN, REQUEST_BROKEN
from trio_gateway.model.commands import RefreshSubscription, Subscribe, Unsubscribe
from trio_gateway.model.directives import Override
from trio_gateway.model.errors import (
    AlreadySubscribed,
    BadRequest,
    Disconnected,
    Expired,
    InvalidChannel,
    LimitExceeded,
    PermissionDenied,
    RequestError,
    Unauthorized,
)
from trio_gateway.model.position import START, Position
from trio_gateway.model.tags_filter import TagsFilter
from trio_gateway.session import permissions
from trio_gateway.session.claims import ServerSubscription, SubscriptionClaims
from trio_gateway.session.client import Client
from trio_gateway.session.effects import AskToSubscribe, Attach
from trio_gateway.session.keys import UnknownKey
from trio_gateway.session.permissions import Asker
from trio_gateway.session.terms import NO_WISHES, Terms, Wishes, channel_terms, inbox_terms
from trio_gateway.session.tokens import Verifier, has_passed
from trio_gateway.settings.namespaces import ChannelRules
from trio_gateway.settings.settings import Settings

NO_OVERRIDE: Final = Override()
FOSSIL: Final = "fossil"

MAX_FILTER_BYTES: Final = 16_384
"""Of one client's tags filters together: what a node makes of them takes ten times as much memory."""


@attrs.define
class Held:
    """Hold one subscription: its terms, and until when (Unix seconds, 0 for ever) its token lets the client have it."""

    terms: Terms
    expire_at: float


class Subscribing:
    """Decide about one client's subscriptions, and remember them; `clock` gives Unix seconds.

    With `strict`, as for Session, a channel's name has ASCII characters only, unless its namespace says what it is
    like, and clients are brought what they missed by the answer to their subscribe.
    """

    __slots__ = ("_client", "_clock", "_described", "_inbox", "_settings", "_strict", "_verifier", "held")

    def __init__(
        self,
        client: Client,
        settings: Settings,
        verifier: Verifier,
        *,
        strict: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.held: dict[str, Held] = {}
        self._client = client
        self._described = client.describe()
        self._inbox = inbox_of(client.user.id)
        self._settings = settings
        self._verifier = verifier
        self._strict = strict
        self._clock = clock

    @property
    def full(self) -> bool:
        """Tell whether the client has as many channels as it may have beside its inbox."""
        return len(self.held) - (self._inbox in self.held) >= self._settings.max_channels

    def is_own_inbox(self, channel: str) -> bool:
        """Tell whether the channel is the client's own inbox; nobody has none."""
        return channel == self._inbox and channel in self.held

    def asker(self, channel: str) -> Asker:
        """Say who asks for something in a channel."""
        return Asker(self._client.user.id, channel in self.held, self._settings.insecure)

    def described(self, channel: str) -> bytes:
        """Give the client as others in a channel are shown it, a JSON object."""
        held = self.held.get(channel)
        return (held and held.terms.info) or self._described

    def check(self, channel: str) -> ChannelRules:
        """Return the rules of a channel that clients may name.

        Raises InvalidChannel, PermissionDenied for an inbox or one of the gateway's own, and UnknownChannel.
        """
        check_channel(channel, max_bytes=self._settings.max_channel_length)
        if is_inbox(channel) or is_reserved(channel):
            raise PermissionDenied("that channel is not open to clients")
        rules = self._settings.namespaces.rules_of(channel)
        if rules.channel_regex:
            if not _compiled(rules.channel_regex).fullmatch(_rest_of(channel)):
                raise InvalidChannel("the name is not one that its namespace allows")
        elif self._strict and not channel.isascii():
            raise InvalidChannel("the name has ASCII characters only")
        return rules

    def subscribe(self, command: Subscribe) -> Attach | AskToSubscribe:
        """Decide about a subscribe; raises a RequestError that refuses it, or Disconnected for somebody else's token."""
        rules = self._check_room(command.channel)
        if not command.token and permissions.asks_to_subscribe(command.channel, rules):
            self._check_filter(command.filter, rules)  # before somebody is asked for nothing
            return AskToSubscribe(command.ref, command)
        return self._attach(command, rules, self._terms_asked_for(command, rules))

    def grant(self, command: Subscribe, given: ServerSubscription) -> Attach:
        """Decide about a subscribe that the application allowed; raises the RequestError that refuses it all the same."""
        rules = self._check_room(command.channel)
        self._check_expiry(given.expire_at)
        return self._attach(command, rules, self._terms_given(command, rules, given))

    def position_to_recover(self, terms: Terms, asked: Position | None) -> Position | None:
        """Find what a subscription recovers from, None for nothing; `asked` is what its client or a back end wants."""
        if not terms.recoverable:
            return None
        return START if asked is None and terms.recovers_always and self._strict else asked

    def unsubscribe(self, command: Unsubscribe) -> bool:
        """Forget a channel, and tell whether the client had it; raises PermissionDenied for its inbox."""
        if self.is_own_inbox(command.channel):
            raise PermissionDenied("the inbox stays as long as the connection")
        return self.held.pop(command.channel, None) is not None

    def forget(self, channel: str) -> None:
        """Take back a subscription that could not be made, or has ended."""
        self.held.pop(channel, None)

    def have_inbox(self) -> Terms:
        """Hold the client's own inbox, which it has as long as it is connected."""
        terms = inbox_terms(self._settings.namespaces.inbox, self._described)
        self._hold(self._inbox, terms)
        return terms

    def have(self, channel: str, given: ServerSubscription) -> Terms:
        """Hold a channel that a token or a back end gives the client, from the server's side; raises as `check` does."""
        rules = self.check(channel)
        info, expire_at = self._described_with(given.info), given.expire_at
        terms = channel_terms(rules, given.override, info=info, data=given.data, expire_at=expire_at, by_server=True)
        self._hold(channel, terms)
        return terms

    def may_have(self, channel: str) -> bool:
        """Tell whether the client may subscribe to a channel by itself, without a token."""
        try:
            rules = self.check(channel)
        except RequestError:
            return False
        return permissions.may_subscribe(channel, rules, self.asker(channel))

    def refresh(self, command: RefreshSubscription) -> float:
        """Take a new token for a subscription, and answer until when it counts (Unix seconds, 0 for ever).

        Raises PermissionDenied where the client has no such subscription, TokenExpired, and Disconnected
        for a token that is wrong, or where no token counts.
        """
        held = self.held.get(command.channel)
        if held is None:
            raise PermissionDenied("this connection is not subscribed there")
        if held.terms.refreshed_by_server:
            raise Disconnected(REQUEST_BROKEN)
        try:
            claims = self._claims(command.token, command.channel)
        except UnknownKey:
            raise
        except Unauthorized as error:
            raise Disconnected(INVALID_TOKEN) from error
        self._check_expiry(claims.expire_at)
        held.expire_at = 0 if self._settings.insecure else claims.expire_at
        return held.expire_at

    @property
    def due(self) -> float:
        """Give the first time (Unix seconds) at which a subscription must have been prolonged, infinity for never."""
        return min(map(self._due, self.held.values()), default=math.inf)

    def expired(self) -> Iterator[tuple[str, Held]]:
        """List the subscriptions that were not prolonged in time."""
        now = self._clock()
        return ((channel, held) for channel, held in self.held.items() if self._due(held) <= now)

    def _due(self, held: Held) -> float:
        """Tell until when a subscription must have been prolonged: a client has some time for it, the server needs none."""
        if not held.expire_at:
            return math.inf
        return held.expire_at + (0 if held.terms.refreshed_by_server else self._settings.token_grace_seconds)

    def _check_room(self, channel: str) -> ChannelRules:
        """Return the rules of a channel that the client has not and may have one more of; raises a RequestError."""
        if channel in self.held:
            raise AlreadySubscribed("this connection has that channel already")
        rules = self.check(channel)
        if self.full:
            raise LimitExceeded(f"a connection has at most {self._settings.max_channels} channels")
        return rules

    def _attach(self, command: Subscribe, rules: ChannelRules, terms: Terms) -> Attach:
        channel = command.channel
        self._check_filter(command.filter, rules)
        self._hold(channel, terms)
        recover, recovering = self.position_to_recover(terms, command.recover), command.recover is not None
        return Attach(command.ref, channel, terms, command.since, recover, command.rejects_unrecovered, recovering)

    def _hold(self, channel: str, terms: Terms) -> None:
        self.held[channel] = Held(terms, terms.expire_at)

    def _terms_asked_for(self, command: Subscribe, rules: ChannelRules) -> Terms:
        if command.token:
            return self._terms_of_token(command, rules)
        asker = self.asker(command.channel)
        if not permissions.may_subscribe(command.channel, rules, asker):
            reason = (
                "a subscription token is needed" if is_private(command.channel) else "clients may not subscribe here"
            )
            raise PermissionDenied(reason)
        return channel_terms(rules, NO_OVERRIDE, self._wishes(command, rules), info=self._described)

    def _terms_of_token(self, command: Subscribe, rules: ChannelRules) -> Terms:
        try:
            claims = self._claims(command.token, command.channel)
        except UnknownKey:
            raise
        except Unauthorized as error:
            raise PermissionDenied(str(error)) from error
        self._check_expiry(claims.expire_at)
        given = ServerSubscription(claims.info, claims.data, claims.override, claims.expire_at)
        return self._terms_given(command, rules, given)

    def _terms_given(self, command: Subscribe, rules: ChannelRules, given: ServerSubscription) -> Terms:
        return channel_terms(
            rules,
            given.override,
            self._wishes(command, rules),
            info=self._described_with(given.info),
            data=given.data,
            expire_at=0 if self._settings.insecure else given.expire_at,
        )

    def _described_with(self, info: bytes) -> bytes:
        return self._client.describe(info) if info else self._described

    def _claims(self, token: str, channel: str) -> SubscriptionClaims:
        """Read a token; raises Unauthorized or TokenExpired, and Disconnected where it is not for this client there."""
        claims = self._verifier.subscription(token, ignore_expiry=self._settings.insecure)
        if (
            claims.channel != channel
            or claims.user != self._client.user.id
            or claims.client not in ("", self._client.id)
        ):
            raise Disconnected(INVALID_TOKEN)
        return claims

    def _check_expiry(self, expire_at: float) -> None:
        if has_passed(expire_at, self._clock()) and not self._settings.insecure:
            raise Expired("the subscription that is asked for has expired")

    def _check_filter(self, filter: TagsFilter | None, rules: ChannelRules) -> None:
        if filter is None:
            return
        if not rules.allow_tags_filter:
            raise BadRequest("publications can't be filtered by tags here")
        held = sum(len(held.terms.filter.text) for held in self.held.values() if held.terms.filter)
        if held + len(filter.text) > MAX_FILTER_BYTES:
            raise LimitExceeded(f"the tags filters of a connection have at most {MAX_FILTER_BYTES} bytes together")

    def _wishes(self, command: Subscribe, rules: ChannelRules) -> Wishes:
        if not (command.positioned or command.recoverable or command.join_leave or command.delta or command.filter):
            return NO_WISHES
        asker = attrs.evolve(self.asker(command.channel), subscribed=True)
        may_read, may_see = permissions.may_read(rules, asker), permissions.may_see(rules, asker)
        return Wishes(
            positioned=command.positioned and (rules.allow_positioning or may_read),
            recoverable=command.recoverable and (rules.allow_recovery or may_read),
            watches=command.join_leave and rules.join_leave and may_see,
            # What a filter leaves out would be missing as the base of the next delta.
            delta=command.delta and FOSSIL in rules.allowed_delta_types and command.filter is None,
            filter=command.filter,
        )


def _rest_of(channel: str) -> str:
    """Leave out the sign of a private channel and its namespace."""
    name = channel.removeprefix(PRIVATE_SIGN)
    _namespace, boundary, rest = name.partition(NAMESPACE_BOUNDARY)
    return rest if boundary else name


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
