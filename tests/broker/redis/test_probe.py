"""The probe: red within 3 s, for the right reason, and green again by itself."""

from __future__ import annotations

import pytest
import trio
from redis import exceptions

from trio_gateway.broker.redis.probe import Probe


class Store:
    """Be what the probe speaks to: it can hang, refuse, or be deaf."""

    def __init__(self):
        self.failure = None
        self.hanging = False
        self.deaf = False
        self.delay = 0.01
        self.other_news = False
        self.up = trio.Event()
        self.up.set()
        self.reconnected = []
        self.probe = Probe(
            self.send,
            wait_up=self.wait_up,
            is_feed_silent=lambda _moment: not self.other_news,
            reconnect_feed=lambda reason: self.reconnected.append(("feed", reason)),
            reconnect_commands=lambda reason: self.reconnected.append(("commands", reason)),
        )

    async def wait_up(self):
        await self.up.wait()

    async def send(self, payload):
        if self.hanging:
            await trio.sleep(1.5)
            raise exceptions.TimeoutError("no reply in time")
        if self.failure:
            raise self.failure
        await trio.sleep(self.delay)
        if not self.deaf:
            self.probe.hear(b"1\n\n0\n0\n1\n\n\n" + payload)


@pytest.fixture
async def store(nursery):
    store = Store()
    nursery.start_soon(store.probe.serve)
    return store


async def test_before_the_first_probe_came_back_nothing_is_ready(autojump_clock):
    assert Store().probe.reason() == "the first probe is under way"


async def test_a_probe_that_comes_back_is_health_and_measures_the_round_trip(store, autojump_clock):
    await trio.sleep(5)

    assert store.probe.reason() is None
    assert store.probe.round_trip == pytest.approx(0.01)


async def test_a_store_that_hangs_is_noticed_within_three_seconds(store, autojump_clock):
    await trio.sleep(5)
    store.hanging = True
    await trio.sleep(3)

    assert "no reply in time" in store.probe.reason()


async def test_a_deaf_feed_is_noticed_within_three_seconds_and_made_anew(store, autojump_clock):
    await trio.sleep(5)
    store.deaf = True
    await trio.sleep(3)

    assert "deaf" in store.probe.reason()
    assert store.reconnected[0][0] == "feed"


async def test_one_missed_probe_is_forgiven(store, autojump_clock):
    await trio.sleep(5.05)
    store.deaf = True
    await trio.sleep(0.9)
    store.deaf = False
    await trio.sleep(5)

    assert store.reconnected == []
    assert store.probe.reason() is None


async def test_a_feed_that_brings_other_news_is_not_deaf(store, autojump_clock):
    store.deaf = store.other_news = True
    await trio.sleep(10)

    assert store.reconnected == []


async def test_a_feed_that_hears_again_is_ready_again(store, autojump_clock):
    store.deaf = True
    await trio.sleep(10)
    store.deaf = False
    await trio.sleep(1)

    assert store.probe.reason() is None


@pytest.mark.parametrize("word", ["READONLY", "MISCONF", "LOADING", "CLUSTERDOWN", "OOM"])
async def test_a_refusal_turns_health_red_with_a_plain_reason(store, autojump_clock, word):
    await trio.sleep(5)
    store.failure = exceptions.ResponseError(f"{word} whatever the server says")
    await trio.sleep(1)

    assert word in store.probe.reason()
    assert "whatever" not in store.probe.reason()


async def test_a_read_only_server_makes_both_connections_anew(store, autojump_clock):
    store.failure = exceptions.ReadOnlyError("READONLY You can't write")
    await trio.sleep(0.5)

    assert [which for which, _reason in store.reconnected] == ["commands", "feed"]


async def test_links_that_come_back_are_probed_at_once(store, autojump_clock):
    await trio.sleep(5)
    store.up = trio.Event()
    store.failure = exceptions.ConnectionError("lost")
    await trio.sleep(10)
    assert "lost" in store.probe.reason()
    store.failure = None
    store.up.set()
    await trio.sleep(0.9)

    assert store.probe.reason() is None


async def test_an_old_probe_that_comes_back_late_measures_nothing(store, autojump_clock):
    await trio.sleep(5)
    before = store.probe.round_trip
    store.probe.hear(b"1\n\n0\n0\n1\n\n\n1")

    assert store.probe.round_trip == before
