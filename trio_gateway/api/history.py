"""However much is asked for, the store is read page by page, and what comes out is one view of one history."""

from __future__ import annotations

from msgspec import UNSET, Raw

from trio_gateway.api.decoding import as_written
from trio_gateway.api.requests import HistoryRequest, StreamPosition
from trio_gateway.api.results import HistoryPublication, HistoryResult
from trio_gateway.broker.broker import Broker
from trio_gateway.model.errors import BadRequest, BrokerUnavailable, Unrecoverable
from trio_gateway.model.publication import Publication
from trio_gateway.model.recovery import Stored

PAGE = 500
"""Publications of one read; the store bounds its bytes."""


async def read_history(broker: Broker, request: HistoryRequest) -> HistoryResult:
    """Read a channel that keeps a history; one that was never published in gets its epoch now.

    Raises BadRequest for what nothing can be before, Unrecoverable for a position of another epoch.
    """
    since, reverse, limit = request.since or StreamPosition(), bool(request.reverse), request.limit or 0
    if reverse and request.since is not None and not since.offset:
        raise BadRequest("nothing is before the offset 0: with reverse, since needs an offset from 1 up")
    epoch, top = await _end_of(broker, request.channel)
    if since.epoch and since.epoch != epoch:
        raise Unrecoverable("since has another epoch than the channel")
    reading = Reading(broker, request.channel, epoch, top)
    found = await reading.back(since.offset or 0, limit) if reverse else await reading.on(since.offset or 0, limit)
    return HistoryResult([_shown(one) for one in found], epoch, top)


async def _end_of(broker: Broker, channel: str) -> tuple[str, int]:
    attachment = await broker.attach(channel)
    return attachment.epoch, attachment.top


class Reading:
    """Read one channel as it was when its end was looked up: what comes later is left out."""

    def __init__(self, broker: Broker, channel: str, epoch: str, top: int) -> None:
        self._broker, self._channel, self._epoch, self._top = broker, channel, epoch, top

    async def on(self, after: int, limit: int) -> list[Publication]:
        """Read up to `limit` (below 0: all) publications after an offset, the oldest first."""
        found: list[Publication] = []
        while after < self._top and (size := _page(limit, len(found))):
            page = self._checked(await self._broker.read(self._channel, after, size))
            if not page:
                break
            after = page[-1].offset
            found += [one for one in page if one.offset <= self._top]
        return found

    async def back(self, before: int, limit: int) -> list[Publication]:
        """Read up to `limit` (below 0: all) publications before an offset (0: the end), the newest first."""
        found: list[Publication] = []
        before = min(before or self._top + 1, self._top + 1)
        while before > 1 and (size := _page(limit, len(found))):
            page = self._checked(await self._broker.read_back(self._channel, before, size))
            if not page:
                break
            before = page[-1].offset
            found += page
        return found

    def _checked(self, stored: Stored) -> list[Publication]:
        if stored.epoch != self._epoch:
            raise BrokerUnavailable("the store lost the channel while it was read: ask again")
        return list(stored.publications)


def _page(limit: int, found: int) -> int:
    return PAGE if limit < 0 else min(PAGE, limit - found)


def _shown(publication: Publication) -> HistoryPublication:
    return HistoryPublication(
        data=Raw(publication.data),
        offset=publication.offset,
        info=as_written(publication.info) if publication.info else UNSET,
        tags=as_written(publication.tags) if publication.tags else UNSET,
    )
