"""Who is kept out: blocked users and revoked tokens, known to every node, each for its time.

The store has them as marks, so that a node that starts later knows them too. Until they were read
nobody is let in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Self

import attrs
import msgspec
import trio

from trio_gateway.broker.checks import UNREADABLE
from trio_gateway.broker.expiring import Expiring
from trio_gateway.model.codes import INVALID_TOKEN, NOT_PERMITTED, DisconnectCode
from trio_gateway.model.errors import BrokerUnavailable, Disconnected
from trio_gateway.session.connecting import Admission

BLOCKED_USER = "user:"
REVOKED_USER = "tokens:"
REVOKED_TOKEN = "token:"  # noqa: S105 (how a mark's name begins)
"""How the names of marks begin: what follows is a user, or a token's id (`jti`)."""

READ_SECONDS = 1.9
"""For the marks to be read: a client learns within 2 s that the store is away."""


@attrs.frozen
class Ban:
    """Say until when somebody is kept out, and since when, in Unix seconds; tokens issued later are good again."""

    until: float
    since: float

    def to_mark(self) -> str:
        """Write it as the value of a mark."""
        return f"[{self.until:.3f},{self.since:.3f}]"

    @classmethod
    def from_mark(cls, mark: str | bytes) -> Self:
        """Read the value of a mark; raises one of UNREADABLE for one of another form."""
        return cls(*msgspec.json.decode(mark, type=tuple[float, float]))


class Bans:
    """Know who is kept out; `clock` gives Unix seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._bans: Expiring[str, Ban] = Expiring(clock)
        self._read = trio.Event()

    def take_all(self, marks: Mapping[str, bytes]) -> None:
        """Take all marks of the store in place of those known."""
        self._bans = Expiring(self._clock)
        for name, mark in marks.items():
            self.take(name, mark)
        self._read.set()

    def take(self, name: str, mark: str | bytes) -> None:
        """Take one mark; an empty one lets in again. One of a form that is not known is left alone."""
        if not mark:
            self._bans.discard(name)
            return
        try:
            ban = Ban.from_mark(mark)
        except UNREADABLE:
            return
        self._bans.put(name, ban, max(0.0, ban.until - self._clock()))

    async def check(self, admission: Admission) -> None:
        """Let pass who may come in; raises Disconnected for who is kept out, BrokerUnavailable where that is not known yet."""
        if not self._read.is_set():
            with trio.move_on_after(READ_SECONDS):
                await self._read.wait()
            if not self._read.is_set():
                raise BrokerUnavailable("it is not known yet who is kept out")
        if code := self.find(admission):
            raise Disconnected(code)

    def find(self, admission: Admission) -> DisconnectCode | None:
        """Tell with which code somebody is kept out; None for who may come in."""
        user, token = admission.user.id, admission.token_id
        if user and self._get(BLOCKED_USER + user) is not None:
            return NOT_PERMITTED
        if token and self._get(REVOKED_TOKEN + token) is not None:
            return INVALID_TOKEN
        revoked = self._get(REVOKED_USER + user) if user and admission.by_token else None
        # A token that does not say when it was issued counts as an old one.
        return INVALID_TOKEN if revoked is not None and admission.issued_at <= revoked.since else None

    def _get(self, name: str) -> Ban | None:
        ban = self._bans.get(name)
        return ban if ban is not None and ban.until > self._clock() else None
