"""Brokers of several nodes over one store in memory; on each, hints can be lost and calls can hang or fail."""

from collections import deque
from functools import wraps

import msgspec
from gateway.peers import NAMESPACES

from trio_gateway.broker.broker import Hint
from trio_gateway.broker.limits import Limits
from trio_gateway.broker.memory import MemoryBroker
from trio_gateway.model.errors import BrokerUnavailable
from trio_gateway.model.position import Position

STORE = ("_metas", "_streams", "_records", "_presence", "_marks", "_brokers")

CALLS = (
    "publish",
    "read",
    "read_back",
    "attach",
    "acknowledge",
    "join",
    "renew",
    "leave",
    "presence",
    "presence_statistics",
    "put_mark",
    "marks",
    "follow",
)


class SharedBroker(MemoryBroker):
    """Be one node's broker, over its own store or that of another node's.

    `jump` is how many offsets the next publications leave out, as after a failover. `trouble` is an async function that is called with the name of each call before that reaches the store.
    """

    def __init__(self, beside=None, *, namespaces=NAMESPACES, limits=None):
        super().__init__(namespaces=namespaces, limits=limits or Limits())
        self.deaf = False
        self.away = False
        self.trouble = None
        self.jump = 0
        self._brokers = []
        for name in STORE if beside else ():
            setattr(self, name, getattr(beside, name))
        self._brokers.append(self)

    def forget(self, channel):
        """Let a channel's publications expire."""
        self._streams.discard(channel)

    def _keep(self, channel, history, made, version):
        meta = self._meta(channel, history)
        publication = msgspec.structs.replace(made, offset=meta.top + 1 + self.jump, prev=meta.top)
        stream = self._streams.get(channel) or deque(maxlen=history.size)
        stream.append(publication)
        self._streams.put(channel, stream, history.ttl)
        meta.top = publication.offset
        self._tell(Hint(channel, meta.epoch, publication))
        return Position(meta.epoch, meta.top)

    def _tell(self, hint):
        for broker in self._brokers:
            if not broker.deaf:
                broker._feed.tell(hint)


def _troubled(name):
    call = getattr(MemoryBroker, name)

    @wraps(call)
    async def reach(self, *args, **options):
        if self.trouble is not None:
            await self.trouble(name)
        if self.away:
            raise BrokerUnavailable("away")
        return await call(self, *args, **options)

    return reach


for _name in CALLS:
    setattr(SharedBroker, _name, _troubled(_name))
