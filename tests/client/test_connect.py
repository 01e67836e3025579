"""`connect`: one inbox over many connections."""

from __future__ import annotations

import contextlib

import pytest
import trio
import trio.testing
from trio_websocket import ConnectionClosed

from trio_gateway.client import ReceivedGap, ReceivedMessage, connect
from trio_gateway.model.errors import BadRequest, PermissionDenied, Unauthorized
from trio_gateway.model.position import Position


async def test_messages_are_handed_out_with_everything_that_came(autojump_clock, gateway, nursery):
    async def serve():
        connection = await gateway.greet(position="e:4")
        await connection.message(5, {"text": "hi"}, **{"from": "8", "id": "m1"})
        await connection.message(6)

    nursery.start_soon(serve)
    async with gateway.connect() as inbox:
        assert await anext(inbox) == ReceivedMessage("#7", 5, {"text": "hi"}, 1, "m1", "8", Position("e", 5))
        assert await anext(inbox) == ReceivedMessage("#7", 6, None, 1, "", "", Position("e", 6))


async def test_iterating_goes_on_over_lost_connections(autojump_clock, gateway, nursery):
    async def serve():
        for offset in range(1, 6):
            connection = await gateway.greet(position=f"e:{offset - 1}")
            await connection.message(offset)
            await connection.lose()

    nursery.start_soon(serve)
    offsets = []
    async with gateway.connect() as inbox:
        async for message in inbox:
            offsets.append(message.offset)
            if len(offsets) == 5:
                break

    assert offsets == [1, 2, 3, 4, 5]


async def test_a_token_goes_into_a_header_and_pings_are_asked_for_in_json(autojump_clock, gateway, nursery):
    connection = None

    async def serve():
        nonlocal connection
        connection = await gateway.greet()

    nursery.start_soon(serve)
    async with gateway.connect(user=None, token="a.b.c"):
        pass

    assert connection.path == "/ws"
    assert connection.query == {"ping": "json"}
    assert connection.headers[b"authorization"] == b"Bearer a.b.c"


async def test_a_token_function_is_asked_before_each_attempt(autojump_clock, gateway, nursery):
    seen = []

    async def serve():
        for offset in (1, 2):
            connection = await gateway.greet(position=f"e:{offset - 1}")
            seen.append(connection.headers[b"authorization"])
            await connection.message(offset)
            await connection.lose()

    answers = iter(["t1", OSError("the issuer is away"), "t2", "t3"])

    async def fetch():
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    nursery.start_soon(serve)
    async with gateway.connect(user=None, token=fetch) as inbox:
        assert [(await anext(inbox)).offset for _ in range(2)] == [1, 2]

    assert seen == [b"Bearer t1", b"Bearer t2"]


async def test_a_token_function_that_breaks_ends_the_block(autojump_clock, gateway):
    async def fetch():
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        async with gateway.connect(user=None, token=fetch):
            pytest.fail("there is no connection")


async def test_the_user_the_device_and_since_go_into_the_query(autojump_clock, gateway, nursery):
    seen = []

    async def serve():
        seen.append(await gateway.greet())

    nursery.start_soon(serve)
    async with gateway.connect(user="Zoë", device="phone", since="e:3"):
        pass

    assert seen[0].query == {"ping": "json", "user": "Zoë", "device": "phone", "since": "e:3"}


async def test_gaps_come_out_as_values(autojump_clock, gateway, nursery):
    async def serve():
        connection = await gateway.greet(position="e:2")
        await connection.gap("e:9", **{"from": 3, "to": 9})
        await connection.message(10)

    nursery.start_soon(serve)
    async with gateway.connect() as inbox:
        assert await anext(inbox) == ReceivedGap("#7", 3, 9, Position("e", 9))
        assert (await anext(inbox)).offset == 10


async def test_a_lost_connection_is_made_again_from_the_last_message(autojump_clock, gateway, nursery):
    queries = []

    async def serve():
        connection = await gateway.greet(position="e:0")
        await connection.message(1)
        await connection.message(4)
        await connection.lose()
        connection = await gateway.greet(position="e:4")
        queries.append(connection.query)
        await connection.message(5)

    nursery.start_soon(serve)
    async with gateway.connect(device="phone") as inbox:
        assert [(await anext(inbox)).offset for _ in range(3)] == [1, 4, 5]

    assert queries[0]["since"] == "e:4"
    assert queries[0]["device"] == "phone"


async def test_what_comes_twice_is_handed_out_once(autojump_clock, gateway, nursery):
    async def serve():
        connection = await gateway.greet(position="e:0")
        await connection.message(1)
        await connection.message(2)
        await connection.lose()
        connection = await gateway.greet(position="e:0")
        for offset in (1, 2, 3):
            await connection.message(offset)

    nursery.start_soon(serve)
    async with gateway.connect() as inbox:
        assert [(await anext(inbox)).offset for _ in range(3)] == [1, 2, 3]


async def test_a_new_epoch_begins_anew(autojump_clock, gateway, nursery):
    async def serve():
        connection = await gateway.greet(position="e:0")
        await connection.message(7)
        await connection.lose()
        connection = await gateway.greet(position="e:7")
        await connection.gap("f:0")
        await connection.message(1)
        await connection.message(2)

    nursery.start_soon(serve)
    async with gateway.connect() as inbox:
        assert (await anext(inbox)).position == Position("e", 7)
        assert await anext(inbox) == ReceivedGap("#7", None, None, Position("f", 0))
        assert [(await anext(inbox)).position for _ in range(2)] == [Position("f", 1), Position("f", 2)]


async def test_channels_are_subscribed_before_the_block_begins(autojump_clock, gateway, nursery):
    async def serve():
        connection = await gateway.greet()
        request = await connection.receive()
        assert (request["type"], request["channel"], "since" in request) == ("subscribe", "news", False)
        await connection.ok(request, position="n:3")
        await connection.message(4, "extra", channel="news")

    nursery.start_soon(serve)
    async with gateway.connect(channels=["news"]) as inbox:
        message = await anext(inbox)

    assert (message.channel, message.position) == ("news", Position("n", 4))


async def test_channels_are_resumed_where_they_were(autojump_clock, gateway, nursery):
    async def serve():
        connection = await gateway.greet()
        await connection.ok(await connection.receive(), position="n:3")
        await connection.message(4, channel="news")
        await connection.lose()
        connection = await gateway.greet()
        request = await connection.receive()
        assert request["since"] == "n:4"
        await connection.ok(request, position="n:4")
        await connection.message(4, channel="news")
        await connection.message(5, channel="news")

    nursery.start_soon(serve)
    async with gateway.connect(channels=["news"]) as inbox:
        assert [(await anext(inbox)).offset for _ in range(2)] == [4, 5]


async def test_a_channel_without_history_is_resumed_without_a_position(autojump_clock, gateway, nursery):
    async def serve():
        connection = await gateway.greet()
        await connection.ok(await connection.receive(), position=":0")
        await connection.message(0, "a", channel="news")
        await connection.message(0, "b", channel="news")
        await connection.lose()
        connection = await gateway.greet()
        request = await connection.receive()
        assert "since" not in request
        await connection.ok(request)
        await connection.message(0, "c", channel="news")

    nursery.start_soon(serve)
    async with gateway.connect(channels=["news"]) as inbox:
        assert [(await anext(inbox)).data for _ in range(3)] == ["a", "b", "c"]


async def test_a_refused_channel_refuses_the_block(autojump_clock, gateway, nursery):
    async def serve():
        connection = await gateway.greet()
        await connection.error(await connection.receive(), 103, "permission denied")

    nursery.start_soon(serve)
    with pytest.raises(PermissionDenied, match="news: permission denied"):
        async with gateway.connect(channels=["news"]):
            pytest.fail("the block must not begin")


async def test_a_channel_is_asked_for_again_while_the_store_is_away(autojump_clock, gateway, nursery):
    async def serve():
        connection = await gateway.greet()
        for _ in range(12):
            await connection.error(await connection.receive(), 100)
        await connection.ok(await connection.receive(), position="n:0")

    nursery.start_soon(serve)
    async with gateway.connect(channels=["news"]):
        pass

    assert len(gateway.attempts) == 1


async def test_a_subscription_without_an_answer_makes_another_connection(autojump_clock, gateway, nursery):
    async def serve():
        await gateway.greet()
        connection = await gateway.greet()
        await connection.ok(await connection.receive(), position="n:0")

    nursery.start_soon(serve)
    async with gateway.connect(channels=["news"]):
        pass

    assert len(gateway.attempts) == 2


async def test_a_refused_upgrade_is_raised_bare_and_at_once(autojump_clock, gateway):
    gateway.refusals = [(401, [], b'{"code":101,"message":"unauthorized"}')]

    with pytest.raises(Unauthorized, match="unauthorized"):
        async with gateway.connect():
            pytest.fail("the block must not begin")

    assert len(gateway.attempts) == 1


async def test_an_error_of_the_block_comes_out_bare(autojump_clock, gateway, nursery):
    nursery.start_soon(gateway.greet)

    with pytest.raises(KeyError) as caught:
        async with gateway.connect():
            raise KeyError("mine")

    assert caught.value.args == ("mine",)
    assert caught.value.__context__ is None


async def test_an_interrupt_comes_out_bare_after_a_close(autojump_clock, gateway, nursery):
    codes = []

    async def serve():
        connection = await gateway.greet()
        codes.append((await connection.closed())[0])

    nursery.start_soon(serve)
    with pytest.raises(KeyboardInterrupt):
        async with gateway.connect():
            raise KeyboardInterrupt

    assert codes == [1000]


async def test_a_crash_inside_surfaces(autojump_clock, gateway, nursery, monkeypatch):
    async def serve():
        connection = await gateway.greet()
        await connection.message(1)

    def crash(*_arguments):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("trio_gateway.client.delivery.Delivery.take", crash)
    nursery.start_soon(serve)
    with pytest.raises(ZeroDivisionError):
        async with gateway.connect() as inbox:
            await anext(inbox)


async def test_leaving_says_a_close(autojump_clock, gateway, nursery):
    codes = []

    async def serve():
        connection = await gateway.greet()
        codes.append((await connection.closed())[0])

    nursery.start_soon(serve)
    async with gateway.connect():
        pass

    await trio.testing.wait_all_tasks_blocked()
    assert codes == [1000]


async def test_leaving_while_messages_pour_in_still_says_a_close(autojump_clock, gateway, nursery):
    ended = []

    async def serve():
        connection = await gateway.greet()
        nursery.start_soon(pour, connection)
        ended.append(await connection.closed())

    async def pour(connection):
        with contextlib.suppress(ConnectionClosed):
            for offset in range(1, 2000):
                await connection.message(offset)

    nursery.start_soon(serve)
    async with gateway.connect(device="phone") as inbox:
        for _ in range(3):
            await anext(inbox)
    await trio.testing.wait_all_tasks_blocked()

    code, frames = ended[0]
    assert code == 1000
    assert frames[-1]["type"] == "ack"
    assert frames[-1]["offset"] == 3


async def test_leaving_a_server_that_does_not_answer_takes_two_seconds(autojump_clock, gateway, nursery):
    async def serve():
        connection = await gateway.greet()
        connection.freeze()

    nursery.start_soon(serve)
    async with gateway.connect():
        began = trio.current_time()

    assert trio.current_time() - began <= 4


async def test_a_cancelled_block_says_a_close_and_stays_cancelled(autojump_clock, gateway, nursery):
    codes = []

    async def serve():
        connection = await gateway.greet()
        codes.append((await connection.closed())[0])

    nursery.start_soon(serve)
    with trio.move_on_after(60) as scope:
        async with gateway.connect() as inbox:
            await anext(inbox)
    await trio.testing.wait_all_tasks_blocked()

    assert scope.cancelled_caught
    assert codes == [1000]


@pytest.mark.parametrize(
    "wrong",
    [
        {"user": ""},
        {"user": "7", "token": "a.b.c"},
        {"user": None, "token": "a b"},
        {"user": None, "token": "a\r\nX: y"},
        {"device": ""},
        {"device": "a b"},
        {"since": "nonsense"},
        {"channels": "news"},
        {"channels": [""]},
        {"acknowledge": "never"},
        {"ssl_context": object()},
    ],
)
async def test_wrong_arguments_are_named_before_anything_is_opened(autojump_clock, gateway, wrong):
    with pytest.raises(BadRequest):
        async with gateway.connect(**wrong):
            pytest.fail("the block must not begin")

    assert gateway.attempts == []


@pytest.mark.parametrize("url", ["http://h", "h:8000", "ws://", "ws://u:p@h", "ws://h:99999", "ws://h/#x", "ws://[::1"])
async def test_a_wrong_url_is_refused(url):
    with pytest.raises(BadRequest):
        async with connect(url, user="7"):
            pytest.fail("the block must not begin")


async def test_after_the_block_nothing_waits(autojump_clock, gateway, nursery):
    nursery.start_soon(gateway.greet)
    async with gateway.connect() as inbox:
        pass

    with pytest.raises(trio.ClosedResourceError):
        await anext(inbox)
    with pytest.raises(trio.ClosedResourceError):
        await inbox.send("8", 1)
