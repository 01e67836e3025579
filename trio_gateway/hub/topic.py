"""A topic is a channel as one node sees it: its epoch, its top, its tail, and who listens.

It takes a publication only if that continues what it has; everything else makes it *dirty*, and a
dirty topic reads the store from its own top. It never lowers its top.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import trio

from trio_gateway.broker.broker import Hint
from trio_gateway.hub.audience import SENDS_PER_TURN, Audience, Write, send_nowait
from trio_gateway.hub.tail import Tail, TailBudget
from trio_gateway.hub.views import Views
from trio_gateway.model.position import Position
from trio_gateway.model.presence import Passage
from trio_gateway.model.publication import Publication
from trio_gateway.model.recovery import Stored
from trio_gateway.wire.codec import Codec

FEW_USERS = 100
"""A topic of so few shares a turn with others, in which their writes are made together. One of more has `fan_out`,
which joins all that is fresh: 10 publications to 1,000 users are 1,000 sends then, and not 10,000."""


class Topic:
    """Know one channel on this node, once for all its subscribers.

    `max_behind` is how long (seconds) a client may be behind, 0 for ever; `makes_deltas` says that all publications are
    made deltas for those who get such. `views` is there once somebody wants publications other than as they are.
    `users` counts subscriptions and those that are being prepared. `tail` is there once two shared the topic. `open`
    says that the channel is followed and its epoch known. Whoever reads the store for the topic holds `reading`, and
    `dirty` makes that reader read once more. `active` says that a hint came since the last idle check.
    """

    # Slots: a hint for one of thousands of users finds the topic in no cache, and each line of memory counts.
    __slots__ = (
        "_audiences",
        "_budget",
        "_fanning_out",
        "_fresh",
        "active",
        "channel",
        "checked",
        "dirty",
        "epoch",
        "makes_deltas",
        "max_behind",
        "open",
        "reading",
        "tail",
        "top",
        "users",
        "views",
    )

    def __init__(self, channel: str, budget: TailBudget, max_behind: float = 0, *, makes_deltas: bool = False) -> None:
        self.channel = channel
        self.max_behind = max_behind
        self.makes_deltas = makes_deltas
        self.epoch = ""
        self.top = 0
        self.tail: Tail | None = None
        self.views: Views | None = None
        self.users = 0
        self.open = False
        self.dirty = False
        self.active = False
        self.checked = trio.current_time()
        self.reading = trio.Lock()
        self._budget = budget
        self._audiences: tuple[Audience, ...] = ()
        self._fresh: list[Publication | Passage] = []
        self._fanning_out = False

    def audience(self, codec: Codec) -> Audience:
        """Find the audience of one codec, made at the first call."""
        for audience in self._audiences:
            if audience.codec is codec:
                return audience
        audience = Audience(codec, self.channel, self.epoch)
        self._audiences = (*self._audiences, audience)
        return audience

    def have_views(self) -> Views:
        """Find the audiences of those who want publications other than as they are, made at the first call."""
        if self.views is None:
            self.views = Views(self._budget, makes_deltas=self.makes_deltas)
        return self.views

    def hold(self) -> None:
        """Count one more user; from the second one on a tail is kept for them."""
        self.users += 1
        if self.tail is None and self.users > 1:
            self.tail = Tail(self._budget)
        if self.tail is not None:
            self.tail.share(self.users)

    def is_behind(self, since: Position | None) -> bool:
        """Tell whether a client saw more than this node has heard of yet: it comes from a faster one."""
        return since is not None and since.epoch == self.epoch and since.offset > self.top

    def take(self, hint: Hint, writes: list[Write]) -> bool:
        """Take a hint; what is to be sent of it goes to `writes`, for this turn, or waits for `fan_out`.

        False where the store must be read instead. A repeated hint is no news.
        """
        publication = hint.publication
        self.active = True
        if publication is None:
            return self._take_passage(hint.passage, writes)
        if publication.offset:
            if hint.epoch != self.epoch:
                return False
            if publication.offset <= self.top:
                return True
            if publication.prev > self.top:
                return False
            self._append(publication)
        if self._fresh or self._fanning_out or self.users > FEW_USERS:
            self._fresh.append(publication)  # never past what waits already
        else:
            for audience in self._audiences:
                audience.write(publication, writes)
            if self.views is not None:
                self.views.write(publication, writes)
        return True

    def _take_passage(self, passage: Passage | None, writes: list[Write]) -> bool:
        if passage is None:
            return False
        if self._fresh or self._fanning_out or self.users > FEW_USERS:
            self._fresh.append(passage)
        else:
            self._tell(passage, writes)
        return True

    def _tell(self, passage: Passage, writes: list[Write]) -> None:
        for audience in self._audiences:
            audience.tell(passage, writes)
        if self.views is not None:
            self.views.cut()

    def take_stored(self, stored: Stored) -> None:
        """Take one page of the store, read after this topic's own top; `fan_out` sends it.

        Where publications between are gone for good, the tail begins anew after the hole, and each
        client's own cursor tells what it missed.
        """
        if stored.epoch != self.epoch:
            self.begin(stored.epoch, stored.top)
            return
        for publication in stored.publications:
            if publication.offset > self.top:
                if publication.prev > self.top:
                    self.clear_tail()
                self._append(publication)
                self._fresh.append(publication)
        if not stored.publications and stored.top > self.top:
            self.skip_to(stored.top)

    def begin(self, epoch: str, top: int) -> None:
        """Begin a new epoch at its top: what was known is void, and every client is behind."""
        self.epoch, self.top = epoch, top
        self.clear_tail()
        self._fresh.clear()
        for audience in self._audiences:
            audience.begin(epoch)
        if self.views is not None:
            self.views.begin(epoch)
        self._everybody_falls_behind()

    def skip_to(self, top: int) -> None:
        """Go on after a hole that nothing is left of."""
        self.top = top
        self.clear_tail()
        self._everybody_falls_behind()

    def clear_tail(self) -> None:
        """Give up what the tail holds: whoever is behind reads the store."""
        if self.tail is not None:
            self.tail.clear()

    def close(self) -> None:
        """Give up all that is kept in memory."""
        self.clear_tail()
        if self.views is not None:
            self.views.deltas.clear()

    @property
    def has_fresh(self) -> bool:
        """Tell whether publications wait for `fan_out`: those of the store, and those that go to many."""
        return bool(self._fresh)

    async def fan_out(self) -> None:
        """Send what is fresh to every audience, in order, giving way after every SENDS_PER_TURN clients.

        One at a time: the running one takes all. Cut off (the feed that it runs in was lost), it leaves
        everybody behind, so that each polls for what is missing.
        """
        if self._fanning_out:
            return
        self._fanning_out = True
        try:
            while self._fresh:
                epoch = self.epoch
                for writes in self._write_fresh():
                    try:
                        await self._send_in_turns(writes)
                    finally:
                        writes.clear()  # each audience remembers the list
                    if self.epoch != epoch:
                        break  # a new one began meanwhile, and what is left is void
                if self._fresh:
                    await trio.lowlevel.checkpoint()
        except BaseException:
            self._everybody_falls_behind()
            raise
        finally:
            self._fanning_out = False

    def _write_fresh(self) -> Iterator[list[Write]]:
        """Write as many as one turn takes; give what is to be sent, in parts where one alone takes several."""
        count = len(self._fresh) if self.views is None else self.views.per_turn(self._fresh)
        fresh, self._fresh = self._fresh[:count], self._fresh[count:]
        writes: list[Write] = []
        for news in fresh:
            if isinstance(news, Passage):
                self._tell(news, writes)
                continue
            for audience in self._audiences:
                audience.write(news, writes)
            if self.views is not None:
                writes = yield from self.views.write_in_turns(news, writes)
        yield writes

    async def _send_in_turns(self, writes: Sequence[Write]) -> None:
        epoch = self.epoch
        if not writes:
            await trio.lowlevel.checkpoint()  # to find that nobody wants anything took its time, too
        for write in writes:
            for start in range(0, len(write.clients), SENDS_PER_TURN):
                clients = write.clients[start : start + SENDS_PER_TURN]
                send_nowait([msgspec.structs.replace(write, clients=clients)])
                await trio.lowlevel.checkpoint()
                if self.epoch != epoch:
                    return  # a new one began meanwhile, and what is left is void

    def _append(self, publication: Publication) -> None:
        self.top = publication.offset
        if self.tail is not None:
            self.tail.append(publication)

    def _everybody_falls_behind(self) -> None:
        for audience in self._audiences:
            audience.void()
        if self.views is not None:
            self.views.void()
