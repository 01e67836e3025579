"""Publications as clients that get deltas see them: the data is a JSON string, whole or a patch of the one before (protocol §10.1).

A patch is made once for all clients of a topic, and kept for a while: who is behind, and who comes back, gets it too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from trio_gateway.hub.tail import ENTRY_OVERHEAD, TailBudget
from trio_gateway.model.publication import Publication
from trio_gateway.wire.fossil import MAX_BYTES, create_delta

BYTES_PER_TURN = 128 * 1024
"""After patches of so much data the event loop gets its turn: to find them takes up to 40 ns a byte."""

_encode = msgspec.json.Encoder().encode


class _Patched(msgspec.Struct, gc=False):
    """Hold a patch of the publication at `base`, None where it pays to send the data whole."""

    base: int
    publication: Publication | None

    @property
    def size(self) -> int:
        return ENTRY_OVERHEAD + (len(self.publication.data) if self.publication else 0)


class Deltas:
    """Make the patches of one topic, in one epoch of it; what is kept for them counts as what tails hold.

    `last` is the publication that went out last, of which the next one is a patch; None where there is none, or
    none that is worth the memory.
    """

    __slots__ = ("_budget", "_bytes", "_kept", "_whole", "last")

    MAX_COUNT = 300
    """As many as one answer brings by default, so that those who come back together share them."""

    MAX_BYTES = 256 * 1024

    def __init__(self, budget: TailBudget) -> None:
        self.last: Publication | None = None
        self._budget = budget
        self._kept: dict[int, _Patched] = {}
        self._whole: tuple[Publication, Publication] | None = None
        self._bytes = 0

    def chain(self, publications: Iterable[Publication]) -> Iterator[Publication]:
        """Write publications that follow each other: the first one whole, the others as patches where that pays."""
        before: Publication | None = None
        for publication in publications:
            yield (before and self.patch(before, publication)) or whole(publication)
            before = publication

    def whole(self, publication: Publication) -> Publication:
        """Write all of a publication's data as a string, once for all to whom it goes out now."""
        if self._whole is None or self._whole[0] is not publication:
            self._whole = publication, whole(publication)
        return self._whole[1]

    def patch(self, base: Publication, publication: Publication) -> Publication | None:
        """Write a publication as a patch of another one; None where it pays to send it whole."""
        kept = self._kept.get(publication.offset)
        if kept is None or kept.base != base.offset:
            kept = _Patched(base.offset, _patched(base, publication))
            self._keep(publication.offset, kept)
        return kept.publication

    def follow(self, publication: Publication | None) -> None:
        """Take a publication as the last one; None where what went out is no base for anything."""
        self._whole = None
        if self.last is not None:
            self._budget.used -= len(self.last.data)
            self.last = None
        if publication is not None and len(publication.data) <= MAX_BYTES and not self._is_node_full():
            self.last = publication
            self._budget.used += len(publication.data)

    def learn(self, publication: Publication) -> None:
        """Take what a client was just sent, the topic's newest, as the last one, where nothing went out yet."""
        if self.last is None:
            self.follow(publication)

    def clear(self) -> None:
        """Forget everything."""
        self.follow(None)
        self._kept.clear()
        self._count(-self._bytes)

    def _keep(self, offset: int, patched: _Patched) -> None:
        """Add a patch; the oldest ones go where a bound is passed."""
        if (replaced := self._kept.pop(offset, None)) is not None:
            self._count(-replaced.size)
        self._kept[offset] = patched
        self._count(patched.size)
        while (
            len(self._kept) > self.MAX_COUNT or self._bytes > self.MAX_BYTES or (self._bytes and self._is_node_full())
        ):
            self._count(-self._kept.pop(next(iter(self._kept))).size)

    def _is_node_full(self) -> bool:
        return self._budget.used > self._budget.limit

    def _count(self, size: int) -> None:
        self._bytes += size
        self._budget.used += size


def whole(publication: Publication) -> Publication:
    """Write all of a publication's data as a string; of what is no UTF-8, which only a hand can have written, what is."""
    return _with_text(publication, publication.data.decode(errors="replace"), patch=False)


def _patched(base: Publication, publication: Publication) -> Publication | None:
    delta = create_delta(base.data, publication.data)
    if delta is None:
        return None
    try:
        base.data.decode()  # else the client has something else as its base
        text = delta.decode()
    except UnicodeDecodeError:
        return None
    return _with_text(publication, text, patch=True)


def _with_text(publication: Publication, text: str, *, patch: bool) -> Publication:
    return msgspec.structs.replace(publication, data=_encode(text), patch=patch)
