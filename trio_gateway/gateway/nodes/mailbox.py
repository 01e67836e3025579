"""A mailbox is this node's own subscription to one of the gateway's own channels: words of nodes are taken, one by one.

It is a subscriber like any client, so that the hub recovers for it, where the channel has a history, what a lost hint
would have brought.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import msgspec
import trio

from trio_gateway.broker.checks import UNREADABLE
from trio_gateway.hub.hub import Hub
from trio_gateway.hub.subscription import InsufficientState, Subscriber, Subscription
from trio_gateway.hub.woken import Woken
from trio_gateway.model.commands import Command
from trio_gateway.model.errors import BrokerUnavailable
from trio_gateway.model.logger import get_logger
from trio_gateway.model.position import START, Position
from trio_gateway.model.presence import Passage
from trio_gateway.model.publication import Gap, Publication
from trio_gateway.model.replies import Error, Reply
from trio_gateway.wire.framing import line

Word = TypeVar("Word")

RETRY_SECONDS = 0.5

log = get_logger(__name__)


class _Bare:
    """Be the codec of nodes among themselves: a publication is its data and a line break, and nothing else is said."""

    name = "node"

    def decode(self, text: bytes) -> Sequence[Command | Error]:  # noqa: ARG002
        """Read nothing: nodes send no commands."""
        return ()

    def encode(self, reply: Reply) -> bytes:  # noqa: ARG002
        """Write nothing."""
        return b""

    def encode_gap(self, channel: str, gap: Gap) -> bytes:  # noqa: ARG002
        """Write nothing: the mailbox begins anew."""
        return b""

    def encode_passage(self, channel: str, passage: Passage) -> bytes:  # noqa: ARG002
        """Write nothing."""
        return b""

    def publication_head(self, channel: str, epoch: str) -> bytes:  # noqa: ARG002
        """Write nothing."""
        return b""

    def encode_publication(self, head: bytes, publication: Publication) -> bytes:  # noqa: ARG002
        """Write the data in one line."""
        return line(publication.data)


BARE = _Bare()


class Mailbox(Generic[Word]):
    """Take what nodes publish in a channel.

    `take` gets each word; what the decoder can't read, of a newer node perhaps, is logged and left out. `anew` is
    called whenever what came before may be missing: at the start, and after a hole in the channel; it may raise
    BrokerUnavailable.
    """

    def __init__(
        self,
        hub: Hub,
        channel: str,
        decoder: msgspec.json.Decoder[Word],
        take: Callable[[Word], None],
        *,
        anew: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._hub = hub
        self._channel = channel
        self._decoder = decoder
        self._take = take
        self._anew = anew
        self._woken = Woken()
        self._subscriber = Subscriber(self, BARE, self._woken.set)

    def send_nowait(self, joined: bytes, frames: Sequence[bytes]) -> int:  # noqa: ARG002 - what an Outlet has
        """Take publications as they come."""
        for frame in frames:
            self._hear(frame)
        return len(frames)

    async def serve(self) -> None:
        """Subscribe, and take what comes, until cancelled; while the store is away try again."""
        since = None
        while True:
            try:
                await self._subscribe_and_take(since)
            except InsufficientState:
                since = START  # all that is kept came after the hole
            except BrokerUnavailable:
                await _rest()

    async def _subscribe_and_take(self, since: Position | None) -> None:
        subscription = await self._hub.subscribe(self._subscriber, self._channel, since=since)
        subscription.positioned = True
        try:
            subscription.start()
            await self._begin_anew()
            while True:
                await self._woken.wait()
                await self._catch_up(subscription)
        finally:
            self._hub.unsubscribe(subscription)

    async def _begin_anew(self) -> None:
        """Call `anew` until it succeeds, subscribed all the while: what comes meanwhile is not lost."""
        while self._anew is not None:
            try:
                await self._anew()
            except BrokerUnavailable:
                await _rest()
            else:
                return

    async def _catch_up(self, subscription: Subscription) -> None:
        while self._subscriber.behind:
            try:
                await self._hub.catch_up.poll(subscription, self._send)
            except BrokerUnavailable:
                await _rest()

    async def _send(self, data: bytes) -> None:
        for word in data.splitlines():
            self._hear(word)
        await trio.lowlevel.checkpoint()

    def _hear(self, data: bytes) -> None:
        try:
            word = self._decoder.decode(data)
        except UNREADABLE as error:
            log.info("a node said what this one does not understand", channel=self._channel, reason=str(error))
            return
        self._take(word)


async def _rest() -> None:
    """Wait for a store that is away."""
    await trio.sleep(random.uniform(0, RETRY_SECONDS))  # noqa: S311 - jitter, not a secret
