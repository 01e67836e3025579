"""Pings in the Centrifugo protocol are replies without content, and so are the pongs (protocol §1.5)."""

import pytest
import trio
from gateway.peers import SDK_PATH, serve_sdk_place, token
from wire.client_frames import client_frame


@pytest.fixture
async def place():
    async with serve_sdk_place() as place:
        yield place


async def test_a_client_that_answers_stays(place, autojump_clock):
    peer = await place.connect()
    with trio.move_on_after(200):
        await peer.closed()

    assert peer.pings in (7, 8)
    assert "error" in await peer.ask("rpc", method="x")


async def test_a_client_that_answers_none_is_closed(place, autojump_clock):
    peer = await place.connect()
    peer.answers_pings = False
    closed = await peer.closed()

    assert (closed.code, peer.pings) == (3012, 1)
    assert 12.5 + 10 <= trio.current_time() <= 25 + 11


async def test_a_pong_that_nobody_asked_for_ends_the_connection(place, autojump_clock):
    peer = await place.connect()
    await peer.pong()

    assert (await peer.closed()).code == 3501


async def test_a_second_pong_to_one_ping_does_too(place, autojump_clock):
    peer = await place.connect()
    assert await peer.receive_text() == b"{}"
    await peer.pong()
    assert "error" in await peer.ask("rpc", method="x")
    await peer.pong()

    assert (await peer.closed()).code == 3501


async def test_a_pong_stands_beside_commands(place, autojump_clock):
    peer = await place.connect()
    assert await peer.receive_text() == b"{}"
    await peer.write(client_frame(b'{}\n{"id":9,"rpc":{"method":"x"}}\n'))

    assert (await peer.receive())["id"] == 9
    with trio.move_on_after(15):
        await peer.closed()
    assert len(place.node.connections) == 1


async def test_the_first_ping_comes_between_half_an_interval_and_a_whole_one(place, autojump_clock):
    await trio.sleep(7)  # wherever the ring stands then
    peers = [await place.connect(str(number)) for number in range(100)]
    start = trio.current_time()
    times = []

    async def wait(peer):
        assert await peer.receive_text() == b"{}"
        times.append(trio.current_time() - start)

    async with trio.open_nursery() as nursery:
        for peer in peers:
            nursery.start_soon(wait, peer)

    assert 12.5 <= min(times) < 16
    assert 21 < max(times) <= 25.01


async def test_the_interval_begins_with_the_connect(place, autojump_clock):
    peer = await place.open_sdk()
    await trio.sleep(9)
    await peer.ask("connect", token=token())
    start = trio.current_time()
    assert await peer.receive_text() == b"{}"

    assert 12.5 <= trio.current_time() - start <= 25.01


async def test_with_websocket_pings_a_client_that_answers_stays(place, autojump_clock):
    peer = await place.connect(path=f"{SDK_PATH}?cf_ws_frame_ping_pong=true")
    with trio.move_on_after(60):
        await peer.closed()

    assert peer.pings in (2, 3)
    peer.answers_pings = False
    assert (await peer.closed()).code == 3012
