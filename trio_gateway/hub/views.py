"""A view is a way in which some subscriptions want a topic's publications other than as they are: as deltas, or filtered by tags.

Each has audiences of its own. A topic that nobody wants so has none of this.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence

from trio_gateway.hub.audience import SENDS_PER_TURN, Write
from trio_gateway.hub.delta_audience import DeltaAudience
from trio_gateway.hub.deltas import BYTES_PER_TURN, Deltas
from trio_gateway.hub.filtered_audience import FilteredAudience
from trio_gateway.hub.tail import TailBudget
from trio_gateway.model.presence import Passage
from trio_gateway.model.publication import Publication
from trio_gateway.model.tags_filter import Tags, TagsFilter, read_tags
from trio_gateway.wire.codec import Codec

COMPARISONS_PER_TURN = 4000
"""After so many comparisons in filters what was found is sent, and the event loop gets its turn: 10 ms at most, as one
takes 0.2 µs (`in`, `eq`) to 2.5 µs (`gt` of a number of 64 digits), and a filter of one 0.6 µs with all around it."""

COMPARISONS_PER_SEND = 4
"""So many take about as long as a send."""

BYTES_PER_SEND = 200
"""Of data: to find the patch of so much takes about as long as a send."""


class Views:
    """Hold the audiences of one topic's views; `makes_deltas` says that every publication is made a delta."""

    __slots__ = ("_by_delta", "_by_filter", "_comparisons", "_makes_deltas", "deltas")

    def __init__(self, budget: TailBudget, *, makes_deltas: bool) -> None:
        self.deltas = Deltas(budget)
        self._makes_deltas = makes_deltas
        self._by_delta: dict[Codec, DeltaAudience] = {}
        self._by_filter: dict[TagsFilter, dict[Codec, FilteredAudience]] = {}
        self._comparisons = 0

    def delta_audience(self, codec: Codec, channel: str, epoch: str) -> DeltaAudience:
        """Find the audience of those who get deltas, made at the first call."""
        if codec not in self._by_delta:
            self._by_delta[codec] = DeltaAudience(codec, channel, epoch, self.deltas)
        return self._by_delta[codec]

    def filtered_audience(
        self, filter: TagsFilter, codec: Codec, channel: str, epoch: str, top: int
    ) -> FilteredAudience:
        """Find the audience of those who have a filter, made for the first one of them."""
        if filter not in self._by_filter:
            self._by_filter[filter] = {}
            self._comparisons += filter.comparisons
        of_filter = self._by_filter[filter]
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
                self._comparisons -= filter.comparisons

    def leave_deltas(self) -> None:
        """Let go of the last publication if nobody is left who gets deltas.

        The audiences stay, one for each codec: a write that is on its way may still note in one what its clients have.
        """
        if not self._gets_deltas():
            self.deltas.follow(None)

    def sends(self, publication: Publication) -> float:
        """Tell how many sends it is worth to write a publication here, beside one for each client."""
        patched = len(publication.data) / BYTES_PER_SEND if self._gets_deltas() else 0
        return patched + self._comparisons / COMPARISONS_PER_SEND

    def per_turn(self, fresh: Sequence[Publication | Passage]) -> int:
        """Tell how many of these, at least one, may be written in one turn; one may take several by itself."""
        most = max(1, COMPARISONS_PER_TURN // self._comparisons) if self._comparisons else len(fresh)
        size = 0
        for count, news in enumerate(fresh[:most] if self._gets_deltas() else (), 1):
            size += len(news.data) if isinstance(news, Publication) else 0
            if size >= BYTES_PER_TURN:
                return count
        return most

    def write(self, publication: Publication, writes: list[Write]) -> None:
        """Add what everybody gets of a publication to `writes`, in one turn: for a topic of few users."""
        if self._by_delta:
            self._write_delta(publication, writes)
        if self._by_filter:
            tags = read_tags(publication.tags)
            for filter, of_filter in tuple(self._by_filter.items()):
                _ask(filter, tags, of_filter, publication, writes)

    def write_in_turns(
        self, publication: Publication, writes: list[Write]
    ) -> Generator[list[Write], None, list[Write]]:
        """Add what everybody gets of a publication to `writes`, or to new lists where that is more than one turn.

        Gives each that is to be sent before the next one is made, and answers the last. An audience made meanwhile has
        clients that are caught up, so beyond this publication; one whose last client left meanwhile writes to nobody.
        """
        if self._by_delta:
            self._write_delta(publication, writes)
        tags, comparisons = read_tags(publication.tags) if self._by_filter else {}, 0
        for filter, of_filter in tuple(self._by_filter.items()):
            comparisons += filter.comparisons
            if comparisons > COMPARISONS_PER_TURN or len(writes) >= SENDS_PER_TURN:
                yield writes
                writes, comparisons = [], filter.comparisons
            _ask(filter, tags, of_filter, publication, writes)
        return writes

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

    def _gets_deltas(self) -> bool:
        return any(not audience.deserted for audience in self._by_delta.values())

    def _all(self) -> Iterator[DeltaAudience | FilteredAudience]:
        yield from self._by_delta.values()
        for of_filter in self._by_filter.values():
            yield from of_filter.values()

    def _write_delta(self, publication: Publication, writes: list[Write]) -> None:
        if not self._gets_deltas():
            self.deltas.follow(None)  # who is behind may have learnt one, and is beyond it when it comes back
            return
        base, patched = self.deltas.last, None
        if base and publication.prev <= base.offset < publication.offset and self._wants_delta(publication, writes):
            patched = self.deltas.patch(base, publication)
        for audience in self._by_delta.values():
            audience.write(publication, patched, writes)
        self.deltas.follow(publication if publication.offset else None)

    def _wants_delta(self, publication: Publication, writes: list[Write]) -> bool:
        if not (self._makes_deltas or publication.delta):
            return False
        return any(audience.takes_patches(writes) for audience in self._by_delta.values())


def _ask(
    filter: TagsFilter,
    tags: Tags,
    audiences: Mapping[Codec, FilteredAudience],
    publication: Publication,
    writes: list[Write],
) -> None:
    wanted = filter.matches(tags)
    for audience in tuple(audiences.values()):  # the last one who leaves takes its audience along
        if wanted:
            audience.write(publication, writes)
        else:
            audience.skip(publication)
