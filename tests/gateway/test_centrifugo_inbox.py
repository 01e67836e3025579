"""The inbox of a client of the Centrifugo protocol: a channel from the server's side, with a cursor for each device."""

import pytest
from gateway.peers import serve_sdk_place
from gateway.shared_broker import SharedBroker
from gateway.test_centrifugo_subscriptions import RULES, offsets, publish
from trio.testing import wait_all_tasks_blocked


@pytest.fixture
async def place():
    broker = SharedBroker(namespaces=RULES)
    async with serve_sdk_place(broker=broker, namespaces=RULES) as place:
        yield place


async def connect(place, **asked):
    peer = await place.connect(data={"device": "phone"}, **asked)
    return peer, peer.connected["subs"]["#7"]


async def test_a_new_device_starts_at_the_top(place):
    await publish(place, "#7", 2)
    peer, inbox = await connect(place)

    assert (inbox["offset"], offsets(inbox)) == (2, [])
    assert await peer.silent()


async def test_a_device_that_returns_has_what_came_after_its_acknowledgement(place):
    peer, _inbox = await connect(place)
    await publish(place, "#7", 3)
    await peer.publications(3)
    assert await peer.do("rpc", method="ack", data={"offset": 1}) == {"data": {}}
    await peer.stream.aclose()
    await wait_all_tasks_blocked()
    peer, inbox = await connect(place)
    await publish(place, "#7", 1)

    assert (inbox["recovered"], inbox["offset"], offsets(inbox)) == (True, 1, [2, 3])
    assert await peer.publications(1) == [4]


async def test_where_some_is_gone_it_is_told_so_and_everything_that_is_kept_follows(place):
    peer, _inbox = await connect(place)
    await peer.stream.aclose()
    await publish(place, "#7", 8)
    peer, inbox = await connect(place)

    assert inbox["was_recovering"]
    assert "recovered" not in inbox
    assert await peer.publications(5) == [4, 5, 6, 7, 8]
    await publish(place, "#7", 1)
    assert await peer.publications(1) == [9]


async def test_a_position_that_an_sdk_brings_comes_before_the_cursor(place):
    peer, inbox = await connect(place)
    await publish(place, "#7", 3)
    await peer.stream.aclose()
    where = {"recover": True, "offset": 2, "epoch": inbox["epoch"]}
    peer, inbox = await connect(place, subs={"#7": where})

    assert (inbox["offset"], offsets(inbox)) == (2, [3])


@pytest.mark.parametrize("data", [{"offset": 9}, {"offset": -1}, {"offset": "1"}, {}, None])
async def test_a_wrong_acknowledgement_is_answered_107(place, data):
    peer, _inbox = await connect(place)

    assert await peer.refused("rpc", method="ack", data=data) == 107


async def test_without_a_device_there_is_nothing_to_acknowledge(place):
    peer = await place.connect()

    assert await peer.refused("rpc", method="ack", data={"offset": 0}) == 108


async def test_the_inbox_can_not_be_left(place):
    peer = await place.connect()

    assert await peer.refused("unsubscribe", channel="#7") == 103
