"""Owners of a prefix: two databases with the same one hear each other, the nodes of one do not."""

from __future__ import annotations

import pytest
import trio

from trio_gateway.broker.redis.keys import Keys
from trio_gateway.broker.redis.owner import Owner


class Server:
    """Share pub/sub between databases, as a real one does."""

    def __init__(self):
        self.databases = {}
        self.owners = []

    def node(self, database):
        owner = Owner(Keys("tg"))
        self.owners.append(owner)

        async def call(command, *args):
            await trio.lowlevel.checkpoint()
            if command == "PUBLISH":
                for each in self.owners:
                    each.hear(args[1])
                return len(self.owners)
            before = self.databases.get(database)
            self.databases.setdefault(database, args[1])
            return before

        return owner, call


@pytest.fixture
def server():
    return Server()


async def test_the_nodes_of_one_database_are_one_installation(server, autojump_clock):
    nodes = [server.node(0) for _ in range(3)]
    for owner, call in nodes:
        await owner.claim(call)

    assert [owner.reason() for owner, _call in nodes] == [None] * 3


async def test_another_database_with_the_same_prefix_is_noticed_by_both(server, autojump_clock):
    nodes = [server.node(0), server.node(1)]
    for _ in range(2):
        for owner, call in nodes:
            await owner.claim(call)

    assert all("another installation" in owner.reason() for owner, _call in nodes)


async def test_an_installation_that_is_gone_is_forgotten(server, autojump_clock):
    owner, call = server.node(0)
    await owner.claim(call)
    owner.hear(b"another")
    assert owner.reason() is not None
    await trio.sleep(31)

    assert owner.reason() is None


async def test_after_a_flush_the_nodes_agree_on_the_new_owner(server, autojump_clock):
    nodes = [server.node(0), server.node(0)]
    for owner, call in nodes:
        await owner.claim(call)
    server.databases.clear()
    for owner, call in nodes:
        await owner.claim(call)

    await trio.sleep(31)
    assert [owner.reason() for owner, _call in nodes] == [None, None]
