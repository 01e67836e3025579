"""The newest publications of a channel are read once for all clients that come back for the latest that they want.

One read at a time for each topic and limit; who comes meanwhile waits, and its answer is kept as a window for a moment.
"""

from __future__ import annotations

import copy

import attrs
import trio

from trio_gateway.broker.broker import Broker
from trio_gateway.hub.topic import Topic
from trio_gateway.hub.windows import Window, Windows
from trio_gateway.model.errors import BrokerUnavailable, RequestError
from trio_gateway.model.recovery import Stored


@attrs.define(eq=False)
class _Reading:
    """Hold a read that is under way, and the error that it ended in."""

    finished: trio.Event = attrs.field(factory=trio.Event)
    error: Exception | None = None


class NewestReads:
    """Read the ends of channels for clients."""

    def __init__(self, broker: Broker, windows: Windows) -> None:
        self._broker = broker
        self._windows = windows
        self._readings: dict[tuple[Topic, int], _Reading] = {}

    async def read(self, topic: Topic, limit: int, least: int) -> Stored:
        """Read up to `limit` of the newest kept publications, oldest first, perhaps as of a moment ago.

        Never as of before the topic's top, or `least`, was published. Raises what the broker raises, for all who wait.
        """
        while (found := self._windows.newest(topic, limit, max(topic.top, least))) is None:
            reading = self._readings.get((topic, limit))
            if reading is None:
                return await self._read_for_all(topic, limit)
            await reading.finished.wait()
            if reading.error is not None:
                raise copy.copy(reading.error)  # whoever raises one adds a traceback to it
        await trio.lowlevel.checkpoint()
        return found

    async def _read_for_all(self, topic: Topic, limit: int) -> Stored:
        """Read; cut off, it leaves the read to one of those who wait."""
        reading = self._readings[topic, limit] = _Reading()
        try:
            stored = await self._broker.read_back(topic.channel, 0, limit)
        except (BrokerUnavailable, RequestError) as error:
            reading.error = error
            raise
        finally:
            del self._readings[topic, limit]
            reading.finished.set()
        kept = stored.publications[::-1]
        oldest_first = Stored(stored.epoch, stored.top, kept)
        if topic.users > 1:
            self._windows.keep(topic, Window(kept[0].prev if kept else 0, oldest_first, newest=limit))
        return oldest_first
