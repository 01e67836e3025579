"""A broker whose feed can lose hints and whose store can be away."""

import trio
from trio.testing import wait_all_tasks_blocked

from trio_gateway.broker.limits import Limits
from trio_gateway.broker.memory import MemoryBroker
from trio_gateway.model.errors import BrokerUnavailable
from trio_gateway.settings.namespaces import ChannelRules, Namespaces

NAMESPACES = Namespaces(
    without_namespace=ChannelRules(history_size=50, history_ttl=3600),
    named={
        "brief": ChannelRules(history_size=3, history_ttl=3600),
        "none": ChannelRules(history_size=0, delta_publish=True),
        "delta": ChannelRules(history_size=5000, delta_publish=True),
    },
)


class FaultyBroker(MemoryBroker):
    """Be a broker whose feed can lose hints and whose store can be away; `patience` is how long (seconds) one waits then."""

    def __init__(self):
        super().__init__(namespaces=NAMESPACES, limits=Limits())
        self.deaf = False
        self.away = False
        self.patience = 0
        self.reads = 0
        self.leaves = []
        self.followed = []

    def _tell(self, hint):
        if not self.deaf:
            super()._tell(hint)

    async def read(self, channel, after, limit):
        self.reads += 1
        await self._reach()
        return await super().read(channel, after, limit)

    async def attach(self, channel, **options):
        await self._reach()
        return await super().attach(channel, **options)

    async def acknowledge(self, acks):
        await self._reach()
        await super().acknowledge(acks)

    async def join(self, channel, member, **options):
        await self._reach()
        return await super().join(channel, member, **options)

    async def renew(self, renewals, **options):
        await self._reach()
        return await super().renew(renewals, **options)

    async def leave(self, leaves):
        self.leaves.append(leaves)
        await self._reach()
        await super().leave(leaves)

    async def follow(self, channel):
        await self._reach()
        self.followed.append(channel)
        await super().follow(channel)

    def unfollow_nowait(self, channel):
        self.followed.remove(channel)
        super().unfollow_nowait(channel)

    async def _reach(self):
        await trio.lowlevel.checkpoint()
        if self.away:
            await trio.sleep(self.patience)
            raise BrokerUnavailable("away")

    def forget_everything(self):
        """Lose all data, as FLUSHALL does."""
        for kept in (self._metas, self._streams, self._records):
            for key in list(kept._entries):
                kept.discard(key)


async def publish(broker, channel, count):
    for _ in range(count):
        await broker.publish(channel, b'{"n":1}')
    await wait_all_tasks_blocked()
