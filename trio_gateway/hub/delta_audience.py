"""The audience of those who get deltas: a patch for whoever has the publication before, all of the data for who has none yet.

Who has it is known for sure only of a client that was sent it in this very subscription, and whose cursor is there.
Work for one client is done only when it gets its first publication.
"""

from __future__ import annotations

from trio_gateway.hub.audience import Audience, Write
from trio_gateway.hub.deltas import Deltas
from trio_gateway.hub.subscription import Subscription
from trio_gateway.model.publication import Publication
from trio_gateway.wire.codec import Codec


class DeltaAudience:
    """Write to the live subscriptions of one codec that get deltas."""

    __slots__ = ("_beginning", "_deltas", "_having_base")

    def __init__(self, codec: Codec, channel: str, epoch: str, deltas: Deltas) -> None:
        self._deltas = deltas
        self._having_base = _Group(codec, channel, epoch, deltas)
        self._beginning = _Group(codec, channel, epoch, deltas)

    def add(self, subscription: Subscription) -> None:
        """Write to a subscription from now on."""
        (self._having_base if subscription.has_base else self._beginning).add(subscription)

    def remove(self, subscription: Subscription) -> None:
        """Write to a subscription no more; what it is sent elsewhere is no base here."""
        (self._having_base if subscription.has_base else self._beginning).remove(subscription)
        subscription.has_base = False

    @property
    def deserted(self) -> bool:
        """Tell whether nobody is left."""
        return self._having_base.deserted and self._beginning.deserted

    def takes_patches(self, writes: list[Write]) -> bool:
        """Tell whether anybody has a base, or gets one by what is in `writes` already."""
        return not self._having_base.deserted or self._beginning.adds_to(writes)

    def note_sent(self, subscription: Subscription, *, kept: bool) -> None:
        """Send a client patches from now on, or no more where what it was sent has no place in the history."""
        if subscription.has_base is not kept:
            self.remove(subscription)
            subscription.has_base = kept
            self.add(subscription)

    def begin(self, epoch: str) -> None:
        """Begin a new epoch of the channel."""
        self._having_base.begin(epoch)
        self._beginning.begin(epoch)

    def void(self) -> None:
        """Let everybody fall behind."""
        self._having_base.void()
        self._beginning.void()

    def cut(self) -> None:
        """Continue no write that was made before."""
        self._having_base.cut()
        self._beginning.cut()

    def write(self, publication: Publication, patched: Publication | None, writes: list[Write]) -> None:
        """Add what everybody gets of a publication, of which `patched` is the patch, to `writes`."""
        if not publication.offset:
            self._write_unkept(publication, writes)
            return
        base = self._deltas.last if patched else None
        self._having_base.write_after(base, publication, patched or publication, writes)
        self._beginning.write_first(publication, patched, writes, self)

    def _write_unkept(self, publication: Publication, writes: list[Write]) -> None:
        """Write what has no place in the history: it may reach some and not others, and nobody has a known base after it."""
        for group in (self._having_base, self._beginning):
            group.write_first(publication, None, writes, self)
        for subscription in self._having_base.everybody():
            self.note_sent(subscription, kept=False)


class _Group(Audience):
    """Be those who get the same frames of every publication."""

    __slots__ = ("_deltas",)

    def __init__(self, codec: Codec, channel: str, epoch: str, deltas: Deltas) -> None:
        super().__init__(codec, channel, epoch)
        self._deltas = deltas

    def everybody(self) -> tuple[Subscription, ...]:
        return self._listed()

    def adds_to(self, writes: list[Write]) -> bool:
        """Tell whether something was written for them in the same turn, so that more may continue it."""
        return self._writes is writes

    def write_after(
        self, base: Publication | None, publication: Publication, shown: Publication, writes: list[Write]
    ) -> None:
        """Write for those who have a base; where it is needed, only for those who have this one."""
        clients = self._listed()
        if not clients:
            return
        frame = self._frame(shown)
        if self._extend(writes, publication, publication.prev, frame):
            return
        offset = publication.offset
        prev, until = (publication.prev, offset) if base is None else (base.offset, base.offset + 1)
        self._add(writes, Write(clients, prev, until, offset, offset, [frame]))

    def write_first(
        self,
        publication: Publication,
        patched: Publication | None,
        writes: list[Write],
        audience: DeltaAudience,
    ) -> None:
        """Write for those who have no base: all of the data, and patches behind it in the same turn."""
        clients = self._listed()
        if not clients:
            return
        offset, prev = publication.offset, publication.prev
        if patched is None or not self._extend(writes, publication, prev, self._frame(patched)):
            frame = self._frame(publication)
            if not (patched is None and self._extend(writes, publication, prev, frame)):
                self._add(writes, Write(clients, prev, offset, offset, offset, [frame], None, 0, audience))

    def _frame(self, publication: Publication) -> bytes:
        return self._encode(self.head, publication if publication.patch else self._deltas.whole(publication))
