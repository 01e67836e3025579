"""However much a client asks for in one go, and whether or not it reads: a bounded part of the answers is held for it."""

import pytest
import trio
from gateway.peers import serve_sdk_place
from gateway.shared_broker import SharedBroker
from trio.testing import wait_all_tasks_blocked

from trio_gateway.gateway.commands import reading
from trio_gateway.settings.namespaces import ChannelRules, Namespaces

RULES = Namespaces(
    named={
        "book": ChannelRules(
            allow_subscribe_for_client=True,
            allow_history_for_client=True,
            allow_presence_for_client=True,
            presence=True,
            history_size=100,
        )
    }
)
ASKED = 100
"""Requests in one frame; their answers have 3 MB together."""


@pytest.fixture
async def place():
    broker = SharedBroker(namespaces=RULES)
    async with serve_sdk_place(broker=broker, namespaces=RULES) as place:
        for number in range(30):
            await broker.publish("book:a", b'"%s%d"' % (b"x" * 1000, number))
        yield place


class Calls:
    """Count the calls of the store by name."""

    def __init__(self, broker):
        self._counts = {}
        broker.trouble = self

    async def __call__(self, name):
        self._counts[name] = self._counts.get(name, 0) + 1
        await trio.lowlevel.checkpoint()

    def __getitem__(self, name):
        return self._counts.get(name, 0)


async def test_the_store_is_not_asked_on_for_a_client_that_does_not_read(place):
    peer = await place.connect(send_buffer=4096)
    calls = Calls(place.broker)
    await peer.command(*[("history", {"channel": "book:a", "limit": 100})] * ASKED)
    await wait_all_tasks_blocked()

    assert 0 < calls["read"] < 20


async def test_who_reads_gets_every_answer_in_order(place):
    peer = await place.connect()
    await peer.do("subscribe", channel="book:a")
    commands = [
        ("history", {"channel": "book:a", "limit": 100}),
        ("rpc", {"method": "x"}),
        ("presence", {"channel": "book:a"}),
    ]
    await peer.command(*commands * (ASKED // 2))
    replies = [await peer.receive() for _ in range(ASKED // 2 * len(commands))]

    assert [reply["id"] for reply in replies] == list(range(3, 3 + len(replies)))
    assert [len(reply["history"]["publications"]) for reply in replies[::3]] == [30] * (ASKED // 2)


@pytest.mark.parametrize("reverse", [False, True])
async def test_one_history_ends_at_a_bound_and_is_read_on_from_there(place, monkeypatch, reverse):
    monkeypatch.setattr(reading, "MAX_BYTES", 1)
    monkeypatch.setattr("trio_gateway.broker.memory.MAX_READ_BYTES", 10_000)
    peer = await place.connect()
    history = await peer.do("history", channel="book:a", limit=100, reverse=reverse)
    first = [publication["offset"] for publication in history["publications"]]
    since = {"offset": first[-1], "epoch": history["epoch"]}
    more = await peer.do("history", channel="book:a", limit=100, reverse=reverse, since=since)

    assert history["offset"] == 30
    assert 0 < len(first) < 30
    assert more["publications"][0]["offset"] == first[-1] + (-1 if reverse else 1)
