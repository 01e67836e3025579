"""How a client is let in: what it asks for when it connects, and who that makes it.

Everything is decided from the command, the settings and the clock; what other nodes and the store know
(blocked users, their number of connections) is asked by the gateway afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs
import msgspec

from trio_gateway.model.channel import inbox_of
from trio_gateway.model.codes import CHANNEL_LIMIT, INVALID_TOKEN, NOT_PERMITTED, REQUEST_BROKEN
from trio_gateway.model.commands import Connect
from trio_gateway.model.errors import Disconnected, Expired, Unauthorized
from trio_gateway.model.user import ANONYMOUS, User, check_device
from trio_gateway.session.claims import ConnectionClaims, ServerSubscription
from trio_gateway.session.client import Client
from trio_gateway.session.keys import UnknownKey
from trio_gateway.session.tokens import Verifier, has_passed
from trio_gateway.settings.settings import Settings


@attrs.frozen(kw_only=True)
class Admission:
    """Say who is let in, and with what.

    `info` (JSON text) is what others are shown of it. It must bring a new token before `expire_at` (Unix
    seconds, 0 for never). `channels` are those it is subscribed to from the server's side. `token_id`
    and `issued_at` (Unix seconds) are its token's, empty and 0 where it says nothing of them; `by_token`
    tells whether there was one. `meta` (JSON text) is for the application alone, `data` (JSON text) for the client's.
    """

    user: User
    device: str = ""
    info: bytes = b""
    expire_at: float = 0
    channels: Mapping[str, ServerSubscription] = attrs.field(factory=dict)
    token_id: str = ""
    issued_at: float = 0
    by_token: bool = False
    meta: bytes = b""
    data: bytes = b""

    @classmethod
    def of(cls, claims: ConnectionClaims, *, device: str = "") -> Admission:
        """Let in whom a token names; its own inbox need not be among the channels, and is no further one."""
        own = inbox_of(claims.user) if claims.user else ""
        return cls(
            user=User(claims.user) if claims.user else ANONYMOUS,
            device=device,
            info=claims.info,
            expire_at=claims.expire_at,
            channels={channel: given for channel, given in claims.channels.items() if channel != own},
            token_id=claims.id,
            issued_at=claims.issued_at,
            by_token=True,
            meta=claims.meta,
        )

    def of_client(self, client: Client) -> Client:
        """Describe a client that came as nobody as the one that is let in."""
        return attrs.evolve(client, user=self.user, device=self.device, info=self.info, meta=self.meta)


MAX_TTL: Final = 2**32 - 1
"""Seconds; the protocol's number for it has 32 bits."""


class _Data(msgspec.Struct):
    device: str = ""


def admit(command: Connect, settings: Settings, verifier: Verifier, user: User | None, now: float) -> Admission:
    """Decide who a client is that connects in the Centrifugo protocol (protocol §2).

    `user` is whom the application found it to be at the upgrade, None where it was not asked; `now` is Unix seconds. Raises the
    RequestError that answers it (an expired token, a channel that can't be), or Disconnected; UnknownKey
    where the token's key may be fetched.
    """
    device = device_in(command.data)
    if user is not None:
        return Admission(user=user, device=device)
    if command.token is None:
        if not (settings.allow_anonymous_connect_without_token or settings.insecure):
            raise Disconnected(REQUEST_BROKEN)
        return Admission(user=ANONYMOUS)
    return check_admission(Admission.of(_verify(command.token, settings, verifier), device=device), settings, now)


def _verify(token: str, settings: Settings, verifier: Verifier) -> ConnectionClaims:
    try:
        return verifier.connection(token, ignore_expiry=settings.insecure)
    except UnknownKey:
        raise
    except Unauthorized as error:
        raise Disconnected(INVALID_TOKEN) from error


def check_admission(admission: Admission, settings: Settings, now: float) -> Admission:
    """Return the admission, or raise the RequestError (Expired, UnknownChannel) or Disconnected that keeps the client out."""
    if admission.by_token and not admission.user.id and settings.disallow_anonymous_connection_tokens:
        raise Disconnected(NOT_PERMITTED)
    if has_passed(admission.expire_at, now) and not settings.insecure:
        raise Expired("the connection that is asked for has expired")
    if len(admission.channels) > settings.max_channels:
        raise Disconnected(CHANNEL_LIMIT)
    for channel in admission.channels:
        settings.namespaces.rules_of(channel)
    return admission


def device_in(data: bytes) -> str:
    """Read the device out of a client's data, which may be anything else as well; raises BadRequest for a wrong one."""
    try:
        device = msgspec.json.decode(data, type=_Data).device
    except (msgspec.DecodeError, RecursionError):
        return ""
    return device and check_device(device)


def expires_in(expire_at: float, now: float) -> int | None:
    """Tell in how many seconds (1 … 2**32-1) a token must be followed by a new one, None for never (0)."""
    return min(max(1, round(expire_at - now)), MAX_TTL) if expire_at else None
