"""A post reaches the client that has the session; what is wrong with it is told to who posts."""

from __future__ import annotations

import pytest
from gateway.peers import SECRET, token
from gateway.shared_broker import SharedBroker
from gateway.streams import EmulatedPeer
from public.public_place import ask, serve_public

ENTERING = {"insecure": False, "token_secret": SECRET}


async def connect(place):
    return await place.wire(speak=EmulatedPeer).connect(place.node, "/connection/http_stream", token=token("7"))


def posted(peer, data):
    return {"session": peer.connected["session"], "node": peer.connected["node"], "data": data}


async def test_a_post_is_taken_and_answered_in_the_stream():
    async with serve_public(**ENTERING) as place:
        peer = await connect(place)
        body = posted(peer, '{"id":2,"rpc":{}}\n{"id":3,"rpc":{}}\n')
        status, answer, _ = await ask(place, "/emulation", body)

        assert (status, answer) == (204, None)
        assert [(await peer.next())["id"] for _ in range(2)] == [2, 3]


async def test_any_node_takes_it(autojump_clock):
    broker = SharedBroker()
    async with (
        serve_public(broker=broker, **ENTERING) as one,
        serve_public(broker=SharedBroker(beside=broker), **ENTERING) as other,
    ):
        peer = await connect(one)
        status, _, _ = await ask(other, "/emulation", posted(peer, '{"id":2,"rpc":{}}'))

        assert (status, (await peer.next())["id"]) == (204, 2)


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"session": "x", "node": "x", "data": "{}"}, 404, "begin a new one"),
        (b"", 400, "truncated"),
        (b"{}", 400, "session"),
        ({"session": "x", "node": "x", "data": 1}, 400, "data"),
        (b"\xff\xfe", 400, ""),
        (b"[" * 50_000, 400, ""),
        ({"session": "x", "node": "x", "data": "x" * 66_000}, 413, "65536"),
        (b"x" * 200_000, 413, "197632"),
    ],
)
async def test_what_can_not_be_taken_is_told(body, status, reason, autojump_clock):
    async with serve_public() as place:
        refused, answer, _ = await ask(place, "/emulation", body)

    assert (refused, answer["code"]) == (status, 107)
    assert reason in answer.get("detail", "")


async def test_a_store_that_is_away_is_for_now(autojump_clock):
    broker = SharedBroker()
    async with serve_public(broker=broker) as place:
        broker.away = True
        status, answer, head = await ask(place, "/emulation", {"session": "x", "node": "x", "data": "{}"})

    assert (status, answer["code"]) == (503, 100)
    assert "retry-after: 1\r\n" in head.lower()
