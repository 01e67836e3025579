"""Whatever somebody else writes under our names, a channel that can't be read is away, by itself, and told of once."""

from __future__ import annotations

import pytest
import trio

from tests.broker.recorder import Recorder
from tests.broker.valkey import running, until
from tests.captured_logs import capture_logs
from trio_gateway.broker.limits import Limits
from trio_gateway.broker.redis.broker import RedisBroker
from trio_gateway.hub.hub import Hub
from trio_gateway.model.errors import BrokerUnavailable
from trio_gateway.model.position import Position
from trio_gateway.settings.namespaces import Namespaces


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running(tmp_path_factory.mktemp("valkey")) as valkey:
        yield valkey


@pytest.fixture
def admin(server):
    with server.client() as client:
        client.flushall()
        yield client


def make(server):
    return RedisBroker(server.url, node="one", prefix="tg", namespaces=Namespaces(), limits=Limits())


@pytest.fixture
async def broker(server, admin, nursery):
    broker = make(server)
    await nursery.start(broker.serve, Recorder())
    await until(lambda: not broker.health().reasons)
    return broker


CALLS = {
    "attach": lambda broker: broker.attach("a", device="phone"),
    "read": lambda broker: broker.read("a", 0, 10),
    "publish": lambda broker: broker.publish("a", b"1"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("written", [{"e": b"\xff"}, {"s": b"x"}])
async def test_a_channel_that_cant_be_read_is_away_and_the_next_one_is_not(broker, admin, call, written):
    await broker.publish("a", b"1")
    admin.hset("tg:{a}:m", mapping=written)
    with pytest.raises(BrokerUnavailable):
        await call(broker)

    assert (await broker.publish("b", b"1")).offset == 1


async def test_it_is_told_once(broker, admin):
    await broker.publish("a", b"1")
    admin.hset("tg:{a}:m", "e", b"\xff")
    with capture_logs() as logs:
        for _ in range(3):
            with pytest.raises(BrokerUnavailable):
                await broker.read("a", 0, 10)

    assert [(line["log_level"], line["channel"]) for line in logs] == [("error", "a")]


async def test_marks_of_others_are_no_marks(broker, admin):
    await broker.put_mark("user:7", b"1", ttl=60)
    admin.hset("tg:marks", b"\xff", "9" * 15 + ":x")

    assert (await broker.marks())["user:7"] == b"1"


async def test_a_node_goes_on_and_the_channel_too_when_it_is_put_right(server, admin, nursery):
    broker = make(server)
    hub = Hub(broker, Namespaces())
    await nursery.start(broker.serve, hub)
    await nursery.start(hub.serve)
    await until(lambda: not broker.health().reasons)
    first = await broker.publish("a", b"1")
    topic, _attachment = await hub._open("a", "", None)
    admin.hset("tg:{a}:m", "s", "x")
    hub.recovery.mark(topic)
    await trio.sleep(0.3)  # another process tells nothing
    admin.hset("tg:{a}:m", "s", "1")
    second = await broker.publish("a", b"2")
    await until(lambda: topic.top == 2)

    assert second == Position(first.epoch, 2)
