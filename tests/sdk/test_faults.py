"""The store hangs, is emptied, or dies with its gateway, under load: nothing is lost to an SDK's client without its being told."""

from __future__ import annotations

import os
import signal

import pytest
from e2e.gateway_process import children, until
from sdk.load import loaded
from sdk.nodes import Node, token


@pytest.fixture
async def node(tmp_path) -> Node:
    node = Node(tmp_path / "node", "--appendfsync", "always")
    try:
        await node.start()
        yield node
    finally:
        node.close()


@pytest.fixture
def drivers(python_sdk, javascript_sdk):
    return [python_sdk, javascript_sdk]


async def test_the_store_hangs_for_a_while(node, drivers):
    async with loaded(node, drivers) as load:
        (valkey,) = children(node.pid)
        os.kill(valkey, signal.SIGSTOP)
        await node.turns_red()
        await until(lambda: load.unanswered)
        os.kill(valkey, signal.SIGCONT)
        await node.wait_ready()
        await load.grows()

    load.check_order()
    assert [each.losses for each in load.listeners] == [0, 0]
    assert [len(each.client.seen("connecting")) for each in load.listeners] == [1, 1]  # nobody was disconnected


async def test_who_comes_while_the_store_hangs_is_let_in_when_it_is_back(node, drivers, nursery):
    """And who subscribes then is subscribed."""
    clients = [await driver.open(nursery) for driver in drivers]
    here, coming = clients[0], [clients[1], await drivers[0].open(nursery)]
    await here.connect(node.sdk_url, *[token("here")] * 50)
    await here.connected()
    (valkey,) = children(node.pid)
    os.kill(valkey, signal.SIGSTOP)
    await node.turns_red()
    await here.ask("subscribe", channel="chat:x", tokens=(), states=())
    for client in coming:
        await client.connect(node.sdk_url, *[token("coming")] * 50)
    await here.event("error", "chat:x")
    os.kill(valkey, signal.SIGCONT)
    for client in coming:
        await client.connected()
        await client.subscribe("chat:x")
    await here.event("subscribed", "chat:x")
    await node.publish("chat:x", "welcome")

    assert [await client.publications("chat:x", 1) for client in (here, *coming)] == [["welcome"]] * 3
    assert [client.seen("disconnected") for client in (here, *coming)] == [[], [], []]


async def test_the_gateway_is_killed_twice(node, drivers):
    async with loaded(node, drivers) as load:
        for times in (1, 2):
            node.kill()
            await node.start()
            await until(lambda times=times: all(each.returns == times for each in load.listeners))
            await load.grows()

    load.check_order()
    assert [each.losses for each in load.listeners] == [0, 0]


async def test_the_store_is_emptied_which_is_told_and_then_all_arrives(node, drivers):
    """What was published before each client was told may be gone; what begins afterwards is all there, in order."""
    async with loaded(node, drivers) as load:
        for times in (1, 2):
            with node.redis() as redis:
                redis.flushall()
            await until(lambda times=times: all(each.losses >= times for each in load.listeners))
            told = set(load.begun)
            await load.grows()
            load.answered = [text for text in load.answered if text not in told]
            await load.arrive(set(load.answered))

    load.check_order()
    assert [each.losses for each in load.listeners] == [2, 2]
