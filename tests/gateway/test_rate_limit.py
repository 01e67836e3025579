"""A client asks within its rate: more is answered 111, and who goes on all the same is sent away for a while (3013)."""

import msgspec
import pytest
import trio
from gateway.peers import serve_place, serve_sdk_place, token
from wire.client_frames import client_frame

LIMITS = {"commands_per_second": 10, "command_burst": 5}


@pytest.fixture
async def place():
    async with serve_sdk_place(**LIMITS) as place:
        yield place


def errors(replies):
    """Give the errors' codes, None for successes, which may come in any order but for that of equals."""
    codes = [reply.get("error", reply).get("code") for reply in replies]
    return sorted(codes, key=bool)


async def ask(peer, count):
    """Ask so often at once; answers the errors' codes, None for a success."""
    await peer.command(*[("publish", {"channel": "open:a", "data": 1})] * count)
    return errors([await peer.receive() for _ in range(count)])


async def test_beyond_the_burst_commands_are_refused_and_may_be_repeated(place, autojump_clock):
    peer = await place.connect()
    await peer.command(*[("publish", {"channel": "open:a", "data": 1})] * 7)
    replies = [await peer.receive() for _ in range(7)]

    assert errors(replies) == [None] * 5 + [111] * 2
    refused = {"code": 111, "message": "too many requests", "temporary": True}
    assert [reply["error"] for reply in replies if "error" in reply] == [refused] * 2
    assert (await place.broker.read("open:a", 0, 100)).top == 5


async def test_permits_come_back_with_time_up_to_the_burst(place, autojump_clock):
    peer = await place.connect()
    assert await ask(peer, 6) == [None] * 5 + [111]
    await trio.sleep(0.3)
    assert await ask(peer, 4) == [None] * 3 + [111]
    await trio.sleep(5)
    assert await ask(peer, 6) == [None] * 5 + [111]


async def test_who_goes_on_is_disconnected_after_what_was_asked_before_is_answered(place, autojump_clock):
    peer = await place.connect()
    await peer.command(*[("publish", {"channel": "open:a", "data": 1})] * 20)
    replies = [await peer.receive() for _ in range(9)]

    assert errors(replies) == [None] * 5 + [111] * 4
    assert (await peer.closed()).code == 3013


async def test_who_slows_down_begins_anew(place, autojump_clock):
    peer = await place.connect()
    for _ in range(5):
        assert await ask(peer, 8) == [None] * 5 + [111] * 3
        await trio.sleep(1)

    assert await ask(peer, 1) == [None]


async def test_what_stands_behind_the_connect_counts(place, autojump_clock):
    peer = await place.open_sdk()
    await peer.command(("connect", {"token": token()}), *[("rpc", {"method": "x"})] * 20)
    replies = [await peer.receive() for _ in range(10)]

    assert errors(replies[1:]) == [108] * 5 + [111] * 4
    assert (await peer.closed()).code == 3013


async def test_pings_and_other_clients_of_the_user_are_not_touched(place, autojump_clock):
    peer, other = await place.connect(), await place.connect()
    await ask(peer, 8)

    assert await ask(other, 5) == [None] * 5


async def test_the_plain_protocol_has_the_same_rate(autojump_clock):
    async with serve_place(**LIMITS) as place:
        peer = await place.dial()
        frame = client_frame(msgspec.json.encode({"type": "publish", "channel": "open:a", "data": 1, "ref": 1}))
        await peer.write(frame * 20)
        answers = [await peer.receive() for _ in range(9)]

        assert errors(answers) == [None] * 5 + [111] * 4
        assert (await peer.receive())["type"] == "goodbye"
        assert (await peer.closed()).code == 3013


async def test_without_a_rate_nothing_is_refused(autojump_clock):
    async with serve_sdk_place(commands_per_second=0, command_burst=1) as place:
        peer = await place.connect()

        assert await ask(peer, 500) == [None] * 500
