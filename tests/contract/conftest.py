"""One suite over every broker: `store` is a served broker, with ways to take away what only time or a fault would."""

from __future__ import annotations

import itertools

import attrs
import msgspec
import pytest
import trio

from tests.broker.recorder import Recorder
from tests.broker.valkey import running, until
from trio_gateway.broker.limits import Limits
from trio_gateway.broker.memory import MemoryBroker
from trio_gateway.broker.redis.broker import RedisBroker
from trio_gateway.broker.redis.keys import Keys
from trio_gateway.settings.namespaces import ChannelRules, InboxRules, Namespaces

NAMESPACES = Namespaces(
    inbox=InboxRules(history_size=20, history_ttl=3600),
    named={
        "brief": ChannelRules(history_size=3),
        "none": ChannelRules(history_size=0),
        "hour": ChannelRules(history_meta_ttl="1h"),
        "moment": ChannelRules(history_ttl="50ms", history_meta_ttl="100ms"),
    },
)
LIMITS = Limits(max_publication_size=1000, max_channel_length=40, max_devices=3)
numbers = itertools.count()


@attrs.define
class MemoryStore:
    broker: MemoryBroker
    listener: Recorder

    def lose_history(self, channel):
        """Let the publications expire."""
        self.broker._streams.discard(channel)

    def lose_meta(self, channel):
        """Let the epoch be lost, and nothing else."""
        self.broker._metas.discard(channel)

    async def publish_after_a_jump(self, channel, data):
        """Publish with an offset far beyond the last one, as after a failover; answers it."""
        position = await self.broker.publish(channel, data)
        stream = self.broker._streams.get(channel)
        stream[-1] = msgspec.structs.replace(stream[-1], offset=position.offset + 2**20)
        self.broker._metas.get(channel).top = stream[-1].offset
        return stream[-1].offset

    def remembers_for(self, channel):
        """Tell for how many seconds the epoch, and the cursors if there are any, are still there, if nobody comes."""
        deadline, *_ = self.broker._metas._entries[channel]
        return deadline - trio.current_time()

    def let_member_expire(self, channel, client):
        """Let a member's time run out."""
        seats = self.broker._presence._seats
        seats.put((channel, client), seats.get((channel, client)), 0)

    def let_mark_expire(self, name):
        """Let a mark's time run out."""
        self.broker._marks.put(name, b"", 0)


@attrs.define
class ValkeyStore:
    broker: RedisBroker
    listener: Recorder
    keys: Keys
    client: object

    def lose_history(self, channel):
        self.client.delete(self.keys.stream(channel))

    def lose_meta(self, channel):
        self.client.delete(self.keys.meta(channel))

    async def publish_after_a_jump(self, channel, data):
        self.client.hset(self.keys.meta(channel), "r", "another server")
        return (await self.broker.publish(channel, data)).offset

    def remembers_for(self, channel):
        ttls = [self.client.pttl(self.keys.meta(channel)), self.client.pttl(self.keys.cursors(channel))]
        return min(ttl for ttl in ttls if ttl != -2) / 1000  # -2: there is none, as where no device was

    def let_member_expire(self, channel, client):
        _members, expiries, _users = self.keys.for_presence(channel)
        assert self.client.zadd(expiries, {client: 1}, xx=True, ch=True)

    def let_mark_expire(self, name):
        self.client.hset(self.keys.marks, name, "1:")


@pytest.fixture(scope="session")
def valkey(tmp_path_factory):
    with running(tmp_path_factory.mktemp("valkey")) as valkey:
        yield valkey


@pytest.fixture
def client(valkey):
    with valkey.client() as client:
        yield client


@pytest.fixture(params=["memory", "valkey"])
async def store(request, nursery):
    listener = Recorder()
    if request.param == "memory":
        broker = MemoryBroker(namespaces=NAMESPACES, limits=LIMITS)
        made = MemoryStore(broker, listener)
    else:
        prefix = f"test-{next(numbers)}"
        url = request.getfixturevalue("valkey").url
        broker = RedisBroker(url, prefix=prefix, namespaces=NAMESPACES, limits=LIMITS, node="test")
        made = ValkeyStore(broker, listener, Keys(prefix), request.getfixturevalue("client"))
    await nursery.start(broker.serve, listener)
    await until(lambda: not broker.health().reasons)
    return made


@pytest.fixture
def broker(store):
    return store.broker


@pytest.fixture
def listener(store):
    return store.listener
