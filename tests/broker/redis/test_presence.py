"""Presence over several nodes on one server: whichever node is asked, each coming and each going is told once."""

from __future__ import annotations

import attrs
import pytest
import trio

from tests.broker.recorder import Recorder
from tests.broker.valkey import until
from trio_gateway.broker.broker import Leave, Renewal
from trio_gateway.broker.limits import Limits
from trio_gateway.broker.redis.broker import RedisBroker
from trio_gateway.model.presence import Member, PresenceStatistics
from trio_gateway.settings.namespaces import Namespaces

LIMITS = Limits()


def member(client, *, told=True):
    return Member(client, "7", b'{"client":"%s"}' % client.encode(), told)


@attrs.define
class Node:
    broker: RedisBroker
    listener: Recorder
    scope: trio.CancelScope

    async def told(self, count):
        """Give what this node was told of the members of `room`, when all that was asked before has been told."""
        await self.broker.publish("room", b'"the end"')
        *hints, _end = await self.listener.wait_hints(count + 1)
        assert len(self.listener.hints) == count + 1
        return [(hint.passage.joined, hint.passage.info) for hint in hints]


@pytest.fixture
async def make_node(valkey, functions, nursery):
    async def make(name):
        broker = RedisBroker(
            valkey.url, prefix=functions.keys.prefix, namespaces=Namespaces(), limits=LIMITS, node=name
        )
        node = Node(broker, Recorder(), trio.CancelScope())

        async def serve(*, task_status):
            with node.scope:
                await broker.serve(node.listener, task_status=task_status)

        await nursery.start(serve)
        await until(lambda: not broker.health().reasons)
        await broker.follow("room")
        return node

    return make


@pytest.fixture
async def one(make_node):
    return await make_node("one")


@pytest.fixture
async def other(make_node):
    return await make_node("other")


async def test_a_join_is_told_once_on_every_node(one, other):
    for node in (one, other, one):
        await node.broker.join("room", member("c1"), ttl=60)

    assert await one.told(1) == [(True, b'{"client":"c1"}')]
    other.listener.batches.clear()
    assert await other.told(0) == []


async def test_every_node_sees_the_members_of_all(one, other):
    await one.broker.join("room", member("c1"), ttl=60)
    await other.broker.join("room", member("c2"), ttl=60)

    assert await one.broker.presence("room") == {client: member(client) for client in ("c1", "c2")}
    assert await other.broker.presence_statistics("room") == PresenceStatistics(2, 1)


async def test_the_limit_counts_the_members_of_all_nodes(one, other):
    await one.broker.join("room", member("c1"), ttl=60, limit=1)

    assert not await other.broker.join("room", member("c2"), ttl=60, limit=1)


async def test_the_members_of_a_killed_node_leave_once_by_the_renewals_of_others(
    one, other, make_node, client, functions
):
    third = await make_node("third")
    for name in ("c1", "c2"):
        await one.broker.join("room", member(name), ttl=60)
    await other.broker.join("room", member("c3", told=False), ttl=60)
    await third.broker.join("room", member("c4", told=False), ttl=60)
    one.scope.cancel()
    client.zadd(functions.keys.for_presence("room")[1], {"c1": 1, "c2": 1})  # so much later
    missing = [
        await other.broker.renew([Renewal("room", ["c3"])], ttl=60),
        await third.broker.renew([Renewal("room", ["c4"])], ttl=60),
    ]

    assert missing == [[[]], [[]]]
    told = await third.told(4)
    assert sorted(told[2:]) == [(False, b'{"client":"c1"}'), (False, b'{"client":"c2"}')]


async def test_what_one_node_removed_another_can_not_remove_again(one, other):
    await one.broker.join("room", member("c1"), ttl=60)
    await other.broker.leave([Leave("room", "c1")])
    await one.broker.leave([Leave("room", "c1")])

    assert await one.broker.renew([Renewal("room", ["c1"])], ttl=60) == [["c1"]]
    assert [joined for joined, _info in await other.told(2)] == [True, False]


async def test_a_flush_of_the_functions_goes_unnoticed(one, client):
    names = [f"c{number}" for number in range(1500)]
    for name in names[:2]:
        client.function_flush()
        assert await one.broker.join("room", member(name), ttl=60)
    client.function_flush()
    (missing,) = await one.broker.renew([Renewal("room", names)], ttl=60)
    client.function_flush()
    await one.broker.leave([Leave("room", name) for name in names])

    assert missing == names[2:]
    assert await one.broker.presence("room") == {}


async def test_a_mark_is_read_by_every_node(one, other):
    await one.broker.put_mark("blocked:7", b"1", ttl=60)

    assert await other.broker.marks() == {"blocked:7": b"1"}


async def test_a_member_written_by_hand_is_left_out(one, client, functions):
    members, expiries, _users = functions.keys.for_presence("room")
    await one.broker.join("room", member("c1"), ttl=60)
    for name, text in (("x", "hello"), ("y", "1:many:"), ("z", "1:1:\xff")):
        client.hset(members, name, text.encode("latin-1"))
        client.zadd(expiries, {name: 10**14})

    assert set(await one.broker.presence("room")) == {"c1"}
    await one.broker.leave([Leave("room", name) for name in ("x", "y", "z")])
    assert client.hkeys(members) == [b"c1"]
