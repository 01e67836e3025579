"""The store hangs, is emptied, or dies with its gateway, under load: nothing is lost to an SDK's client without its being told."""

from __future__ import annotations

import os
import signal

import pytest
from e2e.gateway_process import children, until
from sdk.load import loaded
from sdk.nodes import Node


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


async def test_the_gateway_is_killed_twice(node, drivers):
    async with loaded(node, drivers) as load:
        for _ in range(2):
            node.kill()
            await node.start()
            await load.grows()

    load.check_order()
    assert [each.losses for each in load.listeners] == [0, 0]
    assert min(len(each.client.seen("connecting")) for each in load.listeners) >= 3


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
