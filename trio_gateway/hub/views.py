"""A view is a way in which some subscriptions want a topic's publications other than as they are: as deltas, or filtered by tags.

Each has audiences of its own. A topic that nobody wants so has none of this.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trio_gateway.hub.audience import Write
from trio_gateway.hub.delta_audience import DeltaAudience
from trio_gateway.hub.deltas import BYTES_PER_TURN, Deltas
from trio_gateway.hub.filtered_audience import FilteredAudience
from trio_gateway.hub.tail import TailBudget
from trio_gateway.model.presence import Passage
from trio_gateway.model.publication import Publication
from trio_gateway.model.tags_filter import TagsFilter, read_tags
from trio_gateway.wire.codec import Codec

QUESTIONS_PER_TURN = 1000
"""After so many questions to filters, 1 to 10 µs each, what was found is sent, and the event loop gets its turn."""

BYTES_PER_SEND = 200
"""Of data: to find the patch of so much takes about as long as a send."""


class Views:
    """Hold the audiences of one topic's views; `makes_deltas` says that every publication is made a delta."""

    __slots__ = ("_by_delta", "_by_filter", "_makes_deltas", "deltas")

    def __init__(self, budget: TailBudget, *, makes_deltas: bool) -> None:
        self.deltas = Deltas(budget)
        self._makes_deltas = makes_deltas
        self._by_delta: dict[Codec, DeltaAudience] = {}
        self._by_filter: dict[TagsFilter, dict[Codec, FilteredAudience]] = {}

    def delta_audience(self, codec: Codec, channel: str, epoch: str) -> DeltaAudience:
        """Find the audience of those who get deltas, made at the first call."""
        if codec not in self._by_delta:
            self._by_delta[codec] = DeltaAudience(codec, channel, epoch, self.deltas)
        return self._by_delta[codec]

    def filtered_audience(
        self, filter: TagsFilter, codec: Codec, channel: str, epoch: str, top: int
    ) -> FilteredAudience:
        """Find the audience of those who have a filter, made for the first one of them."""
        of_filter = self._by_filter.setdefault(filter, {})
        if codec not in of_filter:
            of_filter[codec] = FilteredAudience(codec, channel, epoch, top)
        return of_filter[codec]

    def leave(self, filter: TagsFilter, codec: Codec) -> None:
        """Forget the audience of a filter if nobody is left: clients can invent any number of them."""
        of_filter = self._by_filter.get(filter, {})
        if codec in of_filter and of_filter[codec].deserted:
            del of_filter[codec]
            if not of_filter:
                del self._by_filter[filter]

    def sends(self, publication: Publication | None) -> int:
        """Tell how many sends it is worth to write a publication here, beside one for each client."""
        return len(publication.data) // BYTES_PER_SEND if publication and self._by_delta else 0

    def per_turn(self, fresh: Sequence[Publication | Passage]) -> int:
        """Tell how many of these, at least one, may be written in one turn."""
        most = max(1, QUESTIONS_PER_TURN // len(self._by_filter)) if self._by_filter else len(fresh)
        size = 0
        for count, news in enumerate(fresh[:most] if self._by_delta else (), 1):
            size += len(news.data) if isinstance(news, Publication) else 0
            if size >= BYTES_PER_TURN:
                return count
        return most

    def write(self, publication: Publication, writes: list[Write]) -> None:
        """Add what everybody gets of a publication to `writes`."""
        if self._by_delta:
            self._write_delta(publication, writes)
        if self._by_filter:
            tags = read_tags(publication.tags)
            for filter, of_filter in tuple(self._by_filter.items()):
                wanted = filter.matches(tags)
                for audience in tuple(of_filter.values()):
                    if wanted:
                        audience.write(publication, writes)
                    else:
                        audience.skip(publication)

    def cut(self) -> None:
        """Continue no write that was made before: something else comes behind it."""
        for audience in self._all():
            audience.cut()

    def begin(self, epoch: str) -> None:
        """Begin a new epoch of the channel."""
        self.deltas.clear()
        for audience in self._all():
            audience.begin(epoch)

    def void(self) -> None:
        """Let everybody fall behind."""
        for audience in tuple(self._all()):
            audience.void()

    def _all(self) -> Iterator[DeltaAudience | FilteredAudience]:
        yield from self._by_delta.values()
        for of_filter in self._by_filter.values():
            yield from of_filter.values()

    def _write_delta(self, publication: Publication, writes: list[Write]) -> None:
        base, patched = self.deltas.last, None
        if base and publication.prev <= base.offset < publication.offset and self._wants_delta(publication):
            patched = self.deltas.patch(base, publication)
        for audience in self._by_delta.values():
            audience.write(publication, patched, writes)
        self.deltas.follow(publication if publication.offset else None)

    def _wants_delta(self, publication: Publication) -> bool:
        return self._makes_deltas or publication.delta
