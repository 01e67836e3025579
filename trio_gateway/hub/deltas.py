"""Publications as clients that get deltas see them: the data is a JSON string, whole or a patch of the one before (protocol §10.1).

A patch is made once for all clients of a topic, and kept for a while: who is behind, and who comes back, gets it too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from trio_gateway.hub.tail import ENTRY_OVERHEAD, TailBudget
from trio_gateway.model.publication import Publication
from trio_gateway.wire.fossil import create_delta

_encode = msgspec.json.Encoder().encode


class _Patched(msgspec.Struct, gc=False):
    """Hold a patch of the publication at `base`, None where it pays to send the data whole."""

    base: int
    publication: Publication | None

    @property
    def size(self) -> int:
        return ENTRY_OVERHEAD + (len(self.publication.data) if self.publication else 0)


class Deltas:
    """Make the patches of one topic, in one epoch of it; they count as what tails hold.

    `last` is the publication that went out last: the next one is a patch of it.
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
            yield (before and self.patch(before, publication)) or self.whole(publication)
            before = publication

    def whole(self, publication: Publication) -> Publication:
        """Write all of a publication's data as a string; of what is no UTF-8, which only a hand can have written, what is."""
        if self._whole is None or self._whole[0] is not publication:
            text = publication.data.decode(errors="replace")
            self._whole = publication, _with_text(publication, text, patch=False)
        return self._whole[1]

    def patch(self, base: Publication, publication: Publication) -> Publication | None:
        """Write a publication as a patch of another one; None where it pays to send it whole."""
        kept = self._kept.get(publication.offset)
        if kept is None or kept.base != base.offset:
            kept = _Patched(base.offset, _patched(base, publication))
            self._keep(publication.offset, kept)
        return kept.publication

    def learn(self, publication: Publication) -> None:
        """Take what a client was just sent, the topic's newest, as what went out last, where nothing did yet."""
        if self.last is None:
            self.last = publication

    def clear(self) -> None:
        """Forget everything."""
        self.last = self._whole = None
        self._kept.clear()
        self._count(-self._bytes)

    def _keep(self, offset: int, patched: _Patched) -> None:
        """Add a patch; the oldest ones go where a bound is passed."""
        if (replaced := self._kept.pop(offset, None)) is not None:
            self._count(-replaced.size)
        self._kept[offset] = patched
        self._count(patched.size)
        while len(self._kept) > self.MAX_COUNT or self._bytes > self.MAX_BYTES or self._is_node_full():
            self._count(-self._kept.pop(next(iter(self._kept))).size)

    def _is_node_full(self) -> bool:
        return self._bytes > 0 and self._budget.used > self._budget.limit

    def _count(self, size: int) -> None:
        self._bytes += size
        self._budget.used += size


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
