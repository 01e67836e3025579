"""Control is how one node has all nodes do something, or asks all of them: through a channel that each follows.

The channel keeps a history, so what is asked of the nodes is lost by none of them with a hint, nor
by one whose feed was away for a while. What must be known to later nodes too is a mark in the store first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec
import trio

from trio_gateway.broker.broker import Broker
from trio_gateway.gateway.admission.bans import BLOCKED_USER, REVOKED_TOKEN, REVOKED_USER, Ban, Bans
from trio_gateway.gateway.nodes.clients import Clients
from trio_gateway.gateway.nodes.mailbox import Mailbox
from trio_gateway.gateway.nodes.survey import Surveys
from trio_gateway.hub.hub import Hub
from trio_gateway.model.channel import CONTROL_CHANNEL
from trio_gateway.model.codes import FORCE_DISCONNECT, NOT_PERMITTED
from trio_gateway.model.directives import (
    AnyDirective,
    DisconnectUser,
    Forget,
    KeepOut,
    NodeStatistics,
    RefreshUser,
    SubscribeUser,
    Survey,
    UnsubscribeUser,
)

REVOKED_SECONDS = 366 * 24 * 3600.0
"""For which a user's old tokens stay refused: longer than a token should be valid."""

Word = SubscribeUser | UnsubscribeUser | DisconnectUser | RefreshUser | KeepOut | Forget | Survey

_words: msgspec.json.Decoder[Word] = msgspec.json.Decoder(Word)


class Control:
    """Speak to all nodes, and carry out what they say on this one.

    Every method that speaks raises BrokerUnavailable where the store did not answer: it may be repeated then.
    """

    def __init__(
        self,
        hub: Hub,
        broker: Broker,
        bans: Bans,
        *,
        clients: Clients,
        surveys: Surveys,
        clock: Callable[[], float],
    ) -> None:
        self._hub = hub
        self._broker = broker
        self._bans = bans
        self._clients = clients
        self._surveys = surveys
        self._clock = clock
        self._mailbox = Mailbox(hub, CONTROL_CHANNEL, _words, self._hear, anew=self._read_marks)
        self._heard: list[KeepOut] | None = None

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Listen to all nodes until cancelled; reports as started at once, also where the store is away."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._mailbox.serve)
            nursery.start_soon(self._surveys.serve)
            task_status.started()

    async def tell(self, directive: AnyDirective) -> None:
        """Have every node carry out a directive; returns when it can't be lost any more."""
        await self._say(directive)

    async def forget(self, channel: str) -> None:
        """Have every node give up what it has in memory of a channel whose history was removed."""
        await self._say(Forget(channel))

    async def channels(self, pattern: str) -> Mapping[str, int]:
        """Count the subscribers, on all nodes, of each channel that has some and that the glob `pattern` matches."""
        counts: dict[str, int] = {}
        for answer in await self._surveys.ask(self._say, channels=pattern):
            for channel, count in answer.channels.items():
                counts[channel] = counts.get(channel, 0) + count
        return counts

    async def nodes(self) -> Sequence[NodeStatistics]:
        """Show every node that is there."""
        answers = await self._surveys.ask(self._say)
        return [answer.statistics for answer in answers if answer.statistics is not None]

    async def block_user(self, user: str, seconds: float) -> None:
        """Disconnect a user (3503), and refuse them on every node for so long."""
        await self._keep_out(BLOCKED_USER + user, seconds)

    async def unblock_user(self, user: str) -> None:
        """Let a user in again; one that was not blocked changes nothing."""
        await self._broker.put_mark(BLOCKED_USER + user, b"", ttl=0)
        await self._say(KeepOut(BLOCKED_USER + user, ""))

    async def revoke_user_tokens(self, user: str) -> None:
        """Refuse the tokens of a user that were issued before now, and disconnect who came with one."""
        await self._keep_out(REVOKED_USER + user, REVOKED_SECONDS)

    async def revoke_token(self, id: str, seconds: float) -> None:
        """Refuse the token with this id (its `jti`) for so long, and disconnect who came with it."""
        await self._keep_out(REVOKED_TOKEN + id, seconds)

    async def _keep_out(self, name: str, seconds: float) -> None:
        """Store, then tell: who starts in between reads it, who is there hears it."""
        now = self._clock()
        mark = Ban(now + seconds, now).to_mark()
        await self._broker.put_mark(name, mark.encode(), ttl=seconds)
        await self._say(KeepOut(name, mark))

    async def _say(self, word: Word) -> None:
        await self._broker.publish(CONTROL_CHANNEL, msgspec.json.encode(word))

    async def _read_marks(self) -> None:
        """Take the store's marks, and again those that were heard while they were read: they may be newer."""
        heard = self._heard = []
        try:
            self._bans.take_all(await self._broker.marks())
        finally:
            self._heard = None
        for word in heard:
            self._bans.take(word.name, word.mark)
        self._dismiss()

    def _hear(self, word: Word) -> None:
        match word:
            case KeepOut():
                if self._heard is not None:
                    self._heard.append(word)
                self._bans.take(word.name, word.mark)
                self._dismiss()
            case Forget():
                self._hub.forget(word.channel)
            case Survey():
                self._surveys.answer_soon(word)
            case _:
                self._obey(word)

    def _obey(self, directive: AnyDirective) -> None:
        for client in self._clients.of(directive.user):
            kept = isinstance(directive, DisconnectUser) and client.client_id in directive.keep
            named = directive.client in ("", client.client_id) and directive.session in ("", client.session)
            if named and not kept:
                client.obey(directive)

    def _dismiss(self) -> None:
        """Disconnect those who are kept out now: a blocked user by force, who came by a revoked token as if just refused."""
        for client in self._clients.all():
            code = None if client.admission is None else self._bans.find(client.admission)
            if code is not None:
                client.leave(FORCE_DISCONNECT if code is NOT_PERMITTED else code)
