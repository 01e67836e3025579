"""A dirty topic reads the store from its own top; many dirty topics do so in batches.

Dirty are topics that saw a hint they could not place, all topics after the feed was away, and those
that were quiet for a while: a lost hint costs latency, never a message.
"""

from __future__ import annotations

import random
from itertools import islice

import trio

from trio_gateway.broker.broker import Broker
from trio_gateway.hub.topic import Topic
from trio_gateway.model.errors import BrokerUnavailable, RequestError
from trio_gateway.model.logger import get_logger

BATCH = 128
"""Topics read at once: enough to fill a pipeline, few enough not to delay what clients ask for."""

PAGE = 100
"""Publications of one read."""

RETRY_SECONDS = 0.5

log = get_logger(__name__)


class Recovery:
    """Bring dirty topics up to the store, in the order in which they became dirty."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._dirty: dict[Topic, None] = {}
        self._arrived = trio.Event()

    def mark(self, topic: Topic) -> None:
        """Let a topic be read soon; a topic that is being read is read once more after that."""
        topic.dirty = True
        self._dirty[topic] = None
        self._arrived.set()

    def forget(self, topic: Topic) -> None:
        """Drop a topic that nobody follows any more."""
        self._dirty.pop(topic, None)

    async def serve(self) -> None:
        """Read dirty topics until cancelled."""
        while True:
            await self._arrived.wait()
            self._arrived = trio.Event()
            while self._dirty:
                await self._recover_batch()

    async def _recover_batch(self) -> None:
        batch = list(islice(self._dirty, BATCH))
        for topic in batch:
            del self._dirty[topic]
        failed: list[Topic] = []
        async with trio.open_nursery() as nursery:
            for topic in batch:
                nursery.start_soon(self._recover, topic, failed)
        if len(failed) == len(batch):  # the store is away
            await trio.sleep(random.uniform(0, RETRY_SECONDS))  # noqa: S311 - jitter, not a secret

    async def _recover(self, topic: Topic, failed: list[Topic]) -> None:
        try:
            await self.refresh(topic)
        except BrokerUnavailable:
            failed.append(topic)
            self.mark(topic)
        except RequestError as error:
            # The channel's namespace was taken away while it was followed: nothing more can come.
            log.warning("topic can't be read", channel=topic.channel, error=str(error))
            topic.dirty = False

    async def refresh(self, topic: Topic) -> None:
        """Bring one topic up to the store and fan out what was missing; one reader at a time.

        Raises BrokerUnavailable; the topic stays dirty then.
        """
        async with topic.reading:
            while topic.dirty:
                topic.dirty = False
                try:
                    await self._read_on(topic)
                except BaseException:
                    topic.dirty = True
                    raise
                topic.checked = max(topic.checked, trio.current_time())

    async def _read_on(self, topic: Topic) -> None:
        await self._fan_out(topic)  # what a feed that was lost had no time for
        attachment = await self._broker.attach(topic.channel)
        if attachment.epoch != topic.epoch:
            topic.begin(attachment.epoch, attachment.top)
        while attachment.top > topic.top:
            top = topic.top
            stored = await self._broker.read(topic.channel, top, PAGE)
            if stored.epoch != attachment.epoch:
                topic.dirty = True  # emptied since the attach: another one makes the next epoch, or finds it
                return
            topic.take_stored(stored)
            await self._fan_out(topic)
            if topic.top == top:
                break

    @staticmethod
    async def _fan_out(topic: Topic) -> None:
        with trio.CancelScope(shield=True):  # it is everybody's, and who asked for the read may be leaving
            await topic.fan_out()
