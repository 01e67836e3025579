"""What is promised in seconds, whatever the fault and whenever it comes: ready is red within 3, a call ends within 2.

In virtual time, since a busy machine can hold up a real process for longer than that.
"""

from __future__ import annotations

import json

import pytest
import trio

from tests.broker.recorder import Recorder
from tests.broker.redis.fake_server import FakeServer, bulk, push, usual
from trio_gateway.broker.limits import Limits
from trio_gateway.broker.redis.address import Address
from trio_gateway.broker.redis.broker import RedisBroker
from trio_gateway.broker.redis.function_library import REVISION, installation_of
from trio_gateway.broker.redis.probe import INTERVAL
from trio_gateway.model.errors import BrokerUnavailable
from trio_gateway.settings.namespaces import Namespaces

RED_SECONDS = 3.0
"""From the fault to the first answer that is not green."""

CALL_SECONDS = 2.0
"""From a call to its answer, or to the error that says that the outcome is unknown."""

STEPS = 16
"""Moments of the probe's round at which a fault is tried."""

PROBED = b"tg:{$:node:one}"
"""The pub/sub name of the node's own channel."""

SETTINGS = json.dumps({"tg": installation_of(Namespaces(), Limits())}).encode()


class Store(FakeServer):
    """Be as much of a Redis as the probe needs: what is published comes back through the feed."""

    def __init__(self, nursery) -> None:
        super().__init__(nursery, self._reply)
        self.deaf = False
        self.silent = False

    def _reply(self, command: list[bytes]) -> bytes:
        if self.silent:
            return b""
        match command[:2]:
            case [b"FCALL", b"tg1_library"]:
                return b"*2\r\n:%d\r\n%s" % (REVISION, bulk(SETTINGS))
            case [b"FCALL", b"tg1_publish"]:
                if command[3] == PROBED + b":m" and not self.deaf:
                    hint = push(b"message", PROBED, b'[1,"",0,0,1]\n' + command[5])
                    self._nursery.start_soon(self.feed.send_all, hint)
                return b"*2\r\n$1\r\ne\r\n:1\r\n"
            case [b"SET", _]:
                return b"_\r\n"
        return usual(command)


@pytest.fixture
def store(nursery, monkeypatch):
    store = Store(nursery)
    monkeypatch.setattr(Address, "open_stream", lambda _address: store.open_stream())
    return store


@pytest.fixture
async def broker(store, nursery):
    broker = RedisBroker("redis://", prefix="tg", namespaces=Namespaces(), limits=Limits(), node="one")
    await nursery.start(broker.serve, Recorder())
    return broker


async def hangs(store):
    """Say nothing any more, and reset nothing: a dead switch, a stopped process."""
    store.silent = True


async def grows_deaf(store):
    """Take what is published, and bring none of it back."""
    store.deaf = True


async def ends(store):
    """Close every connection, and refuse new ones."""
    store.refusing = True
    for stream in store.streams:
        await stream.aclose()


async def refuses_writes(store):
    """Answer each call as a demoted primary does."""
    store.answer = lambda command: b"-READONLY no\r\n" if command[0] == b"FCALL" else usual(command)


async def loses_its_commands(store):
    """Go on bringing what others publish, while what we ask goes unanswered."""
    store.answer = lambda command: b"" if command[0] == b"FCALL" else usual(command)


async def forgets_its_functions_and_hangs(store):
    """Ask the caller to load them, and say nothing to that."""
    store.answer = lambda command: b"-ERR Function not found\r\n" if command[1] == b"tg1_publish" else b""


@pytest.mark.parametrize("step", range(STEPS))
@pytest.mark.parametrize("fault", [hangs, grows_deaf, ends, refuses_writes, loses_its_commands])
async def test_a_fault_is_seen_within_3_s(store, broker, fault, step, autojump_clock):
    await trio.sleep(10 + step * INTERVAL / STEPS)
    before = broker.health().reasons
    await fault(store)
    await trio.sleep(RED_SECONDS)

    assert before == ()
    assert broker.health().reasons


@pytest.mark.parametrize("fault", [hangs, ends, refuses_writes, loses_its_commands, forgets_its_functions_and_hangs])
async def test_a_publish_ends_within_2_s(store, broker, fault, autojump_clock):
    took, failed = [], []

    async def publish(delay):
        await trio.sleep(delay)
        began = trio.current_time()
        try:
            await broker.publish("#7", b"1")
        except BrokerUnavailable as error:
            failed.append(error)
        took.append(trio.current_time() - began)

    await trio.sleep(10)
    async with trio.open_nursery() as publishing:
        for step in range(100):  # before, at and long after the fault
            publishing.start_soon(publish, step * 0.05)
        await trio.sleep(1.01)
        await fault(store)

    assert max(took) <= CALL_SECONDS
    assert len(took) - len(failed) >= 20


async def test_a_store_that_is_well_is_green_all_the_time(broker, autojump_clock):
    """Or the tests above would pass whatever the broker does."""
    await trio.sleep(10)
    for _ in range(200):
        await trio.sleep(0.05)
        assert broker.health().reasons == ()
