"""Brokers of several nodes over one store in memory; on each, hints can be lost and calls can hang or fail."""

from functools import wraps

from gateway.peers import NAMESPACES

from trio_gateway.broker.limits import Limits
from trio_gateway.broker.memory import MemoryBroker
from trio_gateway.model.errors import BrokerUnavailable

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

    `trouble` is an async function that is called with the name of each call before that reaches the store.
    """

    def __init__(self, beside=None, *, namespaces=NAMESPACES):
        super().__init__(namespaces=namespaces, limits=Limits())
        self.deaf = False
        self.away = False
        self.trouble = None
        self._brokers = []
        for name in STORE if beside else ():
            setattr(self, name, getattr(beside, name))
        self._brokers.append(self)

    def forget(self, channel):
        """Let a channel's publications expire."""
        self._streams.discard(channel)

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
