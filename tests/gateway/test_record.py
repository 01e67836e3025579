"""What is on record of a client, and where."""

from __future__ import annotations

from gateway.peers import serve_sdk_place
from gateway.shared_broker import SharedBroker
from gateway.told_application import TTL, Application

from trio_gateway.gateway.nodes.record import PARTS, part_of, parts_of, request_of
from trio_gateway.hooks.hooks import Hooks
from trio_gateway.hooks.results import ConnectResult
from trio_gateway.model.user import User


async def test_what_is_too_large_for_the_record_is_left_out(autojump_clock):
    async def connect(_request):
        return ConnectResult(User("7"), meta="x" * 100_000)

    broker = SharedBroker()
    hooks = Hooks(disconnected=Application(), connect=connect)
    async with serve_sdk_place(broker=broker, hooks=hooks, presence_ttl=TTL) as place:
        client = (await (await place.open_sdk()).do("connect"))["client"]
        member = (await broker.presence(part_of(place.node.uid, client)))[client]

    assert request_of(member, "n").client.meta == b""


def test_a_record_is_in_parts_of_much_the_same_size_which_every_node_finds():
    places = [part_of("node", f"{number:08}-4d2a-4b7e-9b1a-000000000000") for number in range(100 * PARTS)]

    assert set(places) == set(parts_of("node"))
    assert max(map(places.count, parts_of("node"))) < 200
    assert part_of("node", "a client") == "$:clients:node:6"
