"""One connection: liveness, acknowledgements, unreadable frames, a slow application."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from trio_gateway.client import buffer
from trio_gateway.client.buffer import Buffer
from trio_gateway.model.errors import BadRequest


async def test_json_pings_are_answered(autojump_clock, gateway, nursery):
    async def serve():
        connection = await gateway.greet()
        await connection.send(type="ping")
        assert await connection.receive() == {"type": "pong"}
        await connection.message(1)

    nursery.start_soon(serve)
    async with gateway.connect() as inbox:
        await anext(inbox)


async def test_pings_are_answered_while_the_application_is_slow(autojump_clock, gateway, nursery):
    pongs = []

    async def serve():
        connection = await gateway.greet()
        for offset in range(1, 500):
            await connection.message(offset)
        for _ in range(8):
            await trio.sleep(25)
            await connection.send(type="ping")
            pongs.append(await connection.receive("pong"))

    nursery.start_soon(serve)
    async with gateway.connect() as inbox:
        for _ in range(3):
            await anext(inbox)
            await trio.sleep(60)

    assert len(pongs) >= 7
    assert len(gateway.attempts) == 1


async def test_silence_longer_than_the_ping_and_ten_seconds_means_a_dead_link(autojump_clock, gateway, nursery):
    async def serve():
        await gateway.greet(ping=25)
        connection = await gateway.greet(ping=25)
        await connection.message(1)

    nursery.start_soon(serve)
    async with gateway.connect() as inbox:
        await anext(inbox)

    assert 35 <= gateway.attempts[1] - gateway.attempts[0] <= 35 + 2 + 0.5


async def test_pings_of_the_websocket_count_as_life(autojump_clock, gateway, nursery):
    async def serve():
        connection = await gateway.greet(ping=25)
        for _ in range(8):
            await trio.sleep(25)
            await connection.ws.ping()
        await connection.message(1)

    nursery.start_soon(serve)
    async with gateway.connect() as inbox:
        await anext(inbox)

    assert len(gateway.attempts) == 1


async def test_without_pings_silence_means_nothing(autojump_clock, gateway, nursery):
    async def serve():
        connection = await gateway.greet(ping=0)
        await trio.sleep(80_000)
        await connection.message(1)

    nursery.start_soon(serve)
    async with gateway.connect() as inbox:
        await anext(inbox)

    assert len(gateway.attempts) == 1


@pytest.mark.parametrize(
    "text", ["nonsense", "[]", "{}", '{"type":"message","channel":"#7"}', '{"type":"gap"}', "[" * 9999]
)
async def test_an_unreadable_frame_ends_the_connection_and_not_the_inbox(autojump_clock, gateway, nursery, text):
    async def serve():
        connection = await gateway.greet()
        await connection.ws.send_message(text)
        connection = await gateway.greet()
        await connection.message(1)

    nursery.start_soon(serve)
    async with gateway.connect() as inbox:
        await anext(inbox)

    assert len(gateway.attempts) == 2


async def test_a_frame_of_a_newer_protocol_is_passed_by(autojump_clock, gateway, nursery):
    async def serve():
        connection = await gateway.greet()
        await connection.send(type="weather", rain=True)
        await connection.send(type="error", code=107, message="without a ref")
        await connection.message(1)

    nursery.start_soon(serve)
    async with gateway.connect() as inbox:
        await anext(inbox)

    assert len(gateway.attempts) == 1


async def test_asking_for_the_next_message_acknowledges_the_one_before(autojump_clock, gateway, nursery):
    acks = []

    async def serve():
        connection = await gateway.greet(position="e:0")
        await connection.message(1)
        await connection.message(2)
        acks.append(await connection.receive("ack"))
        await connection.message(3)

    nursery.start_soon(serve)
    async with gateway.connect(device="phone") as inbox:
        await anext(inbox)
        await trio.testing.wait_all_tasks_blocked()
        assert acks == []

        await anext(inbox)
        await trio.testing.wait_all_tasks_blocked()
        await anext(inbox)

    assert acks == [{"type": "ack", "offset": 1, "epoch": "e"}]


async def test_acknowledgements_are_joined(autojump_clock, gateway, nursery):
    frames = []

    async def serve():
        connection = await gateway.greet(position="e:0")
        for offset in range(1, 501):
            await connection.message(offset)
        frames.extend((await connection.closed())[1])

    nursery.start_soon(serve)
    async with gateway.connect(device="phone") as inbox:
        for _ in range(500):
            await anext(inbox)
        await trio.sleep(1)
    await trio.testing.wait_all_tasks_blocked()

    assert len(frames) < 10
    assert frames[-1]["offset"] == 500


async def test_leaving_with_an_error_does_not_acknowledge_the_last_message(autojump_clock, gateway, nursery):
    frames = []

    async def serve():
        connection = await gateway.greet(position="e:0")
        for offset in (1, 2):
            await connection.message(offset)
        frames.extend((await connection.closed())[1])

    async def fail():
        async with gateway.connect(device="phone") as inbox:
            await anext(inbox)
            await anext(inbox)
            raise KeyError

    nursery.start_soon(serve)
    with pytest.raises(KeyError):
        await fail()
    await trio.testing.wait_all_tasks_blocked()

    assert {frame["offset"] for frame in frames} == {1}


async def test_by_hand_nothing_is_acknowledged_unasked(autojump_clock, gateway, nursery):
    frames = []

    async def serve():
        connection = await gateway.greet(position="e:0")
        for offset in (1, 2, 3):
            await connection.message(offset)
        frames.extend((await connection.closed())[1])

    nursery.start_soon(serve)
    async with gateway.connect(device="phone", acknowledge="manual") as inbox:
        first, second = await anext(inbox), await anext(inbox)
        await anext(inbox)
        await inbox.ack(second)
        await inbox.ack(first)
    await trio.testing.wait_all_tasks_blocked()

    assert {frame["offset"] for frame in frames} == {2}


async def test_a_gap_without_bounds_is_acknowledged_in_the_new_epoch(autojump_clock, gateway, nursery):
    frames = []

    async def serve():
        connection = await gateway.greet(position="e:5")
        await connection.message(6)
        await connection.gap("f:3")
        frames.extend((await connection.closed())[1])

    nursery.start_soon(serve)
    async with gateway.connect(device="phone") as inbox:
        await anext(inbox)
        await anext(inbox)
    await trio.testing.wait_all_tasks_blocked()

    assert frames[-1] == {"type": "ack", "offset": 3, "epoch": "f"}


async def test_what_was_acknowledged_on_a_lost_connection_is_acknowledged_again(autojump_clock, gateway, nursery):
    again = []

    async def serve():
        connection = await gateway.greet(position="e:0")
        await connection.message(1)
        await connection.receive("ack")
        await connection.lose()
        connection = await gateway.greet(position="e:1")
        again.append(await connection.receive("ack"))
        await connection.message(2)

    nursery.start_soon(serve)
    async with gateway.connect(device="phone", acknowledge="manual") as inbox:
        await inbox.ack(await anext(inbox))
        await anext(inbox)

    assert again == [{"type": "ack", "offset": 1, "epoch": "e"}]


async def test_more_than_the_server_still_has_is_not_acknowledged(autojump_clock, gateway, nursery):
    """A store that lost its tail says hello before what we have; an ack beyond it would be an error."""
    frames = []

    async def serve():
        connection = await gateway.greet(position="e:0")
        await connection.message(5)
        await connection.lose()
        connection = await gateway.greet(position="e:3")
        await connection.message(1_000_000)
        frames.extend((await connection.closed())[1])

    nursery.start_soon(serve)
    async with gateway.connect(device="phone", acknowledge="manual") as inbox:
        await inbox.ack(await anext(inbox))
        await trio.sleep(30)
        assert (await anext(inbox)).offset == 1_000_000
    await trio.testing.wait_all_tasks_blocked()

    assert {frame["offset"] for frame in frames} == {5}


async def test_without_a_device_nothing_is_acknowledged(autojump_clock, gateway, nursery):
    frames = []

    async def serve():
        connection = await gateway.greet(position="e:0")
        await connection.message(1)
        frames.extend((await connection.closed())[1])

    nursery.start_soon(serve)
    async with gateway.connect() as inbox:
        message = await anext(inbox)
        with pytest.raises(BadRequest, match="device"):
            await inbox.ack(message)
    await trio.testing.wait_all_tasks_blocked()

    assert frames == []


async def test_messages_of_channels_move_no_cursor(autojump_clock, gateway, nursery):
    frames = []

    async def serve():
        connection = await gateway.greet(position="e:0")
        await connection.ok(await connection.receive("subscribe"), position="n:0")
        await connection.message(9, channel="news")
        frames.extend((await connection.closed())[1])

    nursery.start_soon(serve)
    async with gateway.connect(device="phone", channels=["news"]) as inbox:
        await inbox.ack(await anext(inbox))
    await trio.testing.wait_all_tasks_blocked()

    assert frames == []


async def test_an_application_that_takes_nothing_reads_no_more_than_the_bound(
    autojump_clock, gateway, nursery, monkeypatch
):
    held = []
    monkeypatch.setattr(buffer, "MAX_VALUES", 10)
    monkeypatch.setattr(Buffer.__init__, "__defaults__", (10, buffer.MAX_BYTES))
    original = Buffer.put

    async def put(self, value, size):
        await original(self, value, size)
        held.append(value.offset)

    monkeypatch.setattr(Buffer, "put", put)

    async def serve():
        connection = await gateway.greet()
        for offset in range(1, 100):
            await connection.message(offset)

    nursery.start_soon(serve)
    async with gateway.connect() as inbox:
        await trio.sleep(20)
        assert held == list(range(1, 11))

        assert [(await anext(inbox)).offset for _ in range(99)] == list(range(1, 100))


async def test_a_server_that_speaks_before_its_hello_is_left(autojump_clock, gateway, nursery):
    async def serve():
        connection = await gateway.accept()
        await connection.message(1)
        await gateway.greet()

    nursery.start_soon(serve)
    async with gateway.connect():
        pass

    assert len(gateway.attempts) == 2


async def test_a_server_that_takes_no_pong_is_left(autojump_clock, gateway, nursery):
    async def serve():
        connection = await gateway.greet()
        gateway.opened[0].send_stream.send_all_hook = trio.sleep_forever
        await connection.send(type="ping")
        connection = await gateway.greet()
        await connection.message(1)

    nursery.start_soon(serve)
    async with gateway.connect() as inbox:
        await anext(inbox)

    # Ten seconds for the write, two for a Close that might have said why, two for leaving.
    assert gateway.attempts[1] - gateway.attempts[0] <= 10 + 2 + 2 + 0.5
