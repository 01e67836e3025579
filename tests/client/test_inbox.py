"""Requests: answered once, repeated with the same id, never left in doubt silently."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from trio_gateway.client import OutcomeUnknown
from trio_gateway.model.errors import (
    AlreadySubscribed,
    BadRequest,
    InvalidChannel,
    InvalidData,
    PermissionDenied,
    RequestError,
)


async def test_a_send_is_answered_with_its_offset(autojump_clock, gateway, nursery):
    requests = []

    async def serve():
        connection = await gateway.greet()
        requests.append(await connection.receive())
        await connection.ok(requests[0], offset=13)

    nursery.start_soon(serve)
    async with gateway.connect() as inbox:
        assert await inbox.send("8", {"text": "hi"}, id="m1") == 13

    assert requests == [{"type": "send", "ref": 1, "to": "8", "data": {"text": "hi"}, "id": "m1"}]


async def test_a_publish_gets_an_id_of_its_own(autojump_clock, gateway, nursery):
    requests = []

    async def serve():
        connection = await gateway.greet()
        for _ in range(2):
            requests.append(await connection.receive())
            await connection.ok(requests[-1], offset=1)

    nursery.start_soon(serve)
    async with gateway.connect() as inbox:
        await inbox.publish("news", None)
        await inbox.publish("news", "")

    assert [request["data"] for request in requests] == [None, ""]
    assert len({request["id"] for request in requests}) == 2


async def test_requests_work_while_another_task_iterates_and_answers_find_their_own(autojump_clock, gateway, nursery):
    answers = {}

    async def serve():
        connection = await gateway.greet()
        requests = [await connection.receive() for _ in range(10)]
        for request in reversed(requests):
            await connection.ok(request, offset=int(request["to"]))
        await connection.message(1)

    async def send(inbox, user):
        answers[user] = await inbox.send(user, 1)

    nursery.start_soon(serve)
    async with gateway.connect() as inbox, trio.open_nursery() as sending:
        for number in range(10):
            sending.start_soon(send, inbox, str(number))
        await anext(inbox)

    assert answers == {str(number): number for number in range(10)}


async def test_a_refused_request_raises_the_error_of_its_code(autojump_clock, gateway, nursery):
    async def serve():
        connection = await gateway.greet()
        request = await connection.receive()
        await connection.send(
            type="error", ref=request["ref"], code=103, message="permission denied", detail="not yours"
        )
        await connection.error(await connection.receive(), 4242, "an application's own")

    nursery.start_soon(serve)
    async with gateway.connect() as inbox:
        with pytest.raises(PermissionDenied, match="not yours"):
            await inbox.send("8", 1)
        with pytest.raises(RequestError, match="own") as caught:
            await inbox.send("8", 1)

    assert caught.value.code == 4242


async def test_error_100_is_repeated_with_the_same_id(autojump_clock, gateway, nursery):
    requests = []

    async def serve():
        connection = await gateway.greet()
        requests.append(await connection.receive())
        await connection.error(requests[0], 100)
        requests.append(await connection.receive())
        await connection.ok(requests[1], offset=5)

    nursery.start_soon(serve)
    async with gateway.connect() as inbox:
        assert await inbox.send("8", 1) == 5

    assert requests[0]["id"] == requests[1]["id"]
    assert requests[0]["ref"] != requests[1]["ref"]


async def test_a_lost_link_repeats_with_the_same_id(autojump_clock, gateway, nursery):
    requests = []

    async def serve():
        connection = await gateway.greet()
        requests.append(await connection.receive())
        await connection.lose()
        connection = await gateway.greet()
        requests.append(await connection.receive())
        await connection.ok(requests[1], offset=5)

    nursery.start_soon(serve)
    async with gateway.connect() as inbox:
        assert await inbox.send("8", 1) == 5

    assert requests[0]["id"] == requests[1]["id"]


async def test_after_a_goodbye_requests_wait_for_the_next_connection(autojump_clock, gateway, nursery):
    async def serve():
        connection = await gateway.greet()
        await connection.message(1)
        await connection.goodbye(3001, reconnect_ms=500)
        await connection.message(2)
        await trio.sleep(1)
        await connection.close(3001)
        connection = await gateway.greet(position="e:2")
        await connection.ok(await connection.receive(), offset=5)

    nursery.start_soon(serve)
    async with gateway.connect() as inbox:
        await anext(inbox)
        await anext(inbox)
        assert await inbox.send("8", 1) == 5

    assert len(gateway.attempts) == 2


async def test_no_answer_in_five_seconds_leaves_the_outcome_unknown(autojump_clock, gateway, nursery):
    nursery.start_soon(gateway.greet)

    async with gateway.connect() as inbox:
        began = trio.current_time()
        with pytest.raises(OutcomeUnknown, match="m1") as caught:
            await inbox.send("8", 1, id="m1")

        assert trio.current_time() - began == pytest.approx(5)
    assert caught.value.id == "m1"
    assert caught.value.code == 100


async def test_a_late_answer_reaches_nobody_else(autojump_clock, gateway, nursery):
    async def serve():
        connection = await gateway.greet()
        first = await connection.receive()
        second = await connection.receive()
        await connection.ok(first, offset=1)
        await connection.ok(second, offset=2)

    nursery.start_soon(serve)
    async with gateway.connect() as inbox:
        with trio.move_on_after(1):
            await inbox.send("8", 1)
        assert await inbox.send("8", 1) == 2


async def test_subscribing_brings_the_channels_messages_until_unsubscribed(autojump_clock, gateway, nursery):
    async def serve():
        connection = await gateway.greet()
        request = await connection.receive()
        assert request == {"type": "subscribe", "ref": 1, "channel": "news", "since": "0"}
        await connection.ok(request, position="n:1")
        await connection.message(2, channel="news")
        request = await connection.receive()
        assert request == {"type": "unsubscribe", "ref": 2, "channel": "news"}
        await connection.message(3, channel="news")
        await connection.ok(request)
        await connection.message(1)

    nursery.start_soon(serve)
    async with gateway.connect() as inbox:
        await inbox.subscribe("news", since="0")
        with pytest.raises(AlreadySubscribed):
            await inbox.subscribe("news")
        assert (await anext(inbox)).channel == "news"

        await inbox.unsubscribe("news")
        assert (await anext(inbox)).channel == "#7"
        with pytest.raises(BadRequest):
            await inbox.unsubscribe("news")


async def test_a_later_subscription_lasts_over_a_reconnect(autojump_clock, gateway, nursery):
    async def serve():
        connection = await gateway.greet()
        await connection.ok(await connection.receive(), position="n:1")
        await connection.lose()
        connection = await gateway.greet()
        request = await connection.receive()
        assert request["since"] == "n:1"
        await connection.ok(request, position="n:1")
        await connection.message(2, channel="news")

    nursery.start_soon(serve)
    async with gateway.connect() as inbox:
        await inbox.subscribe("news")
        assert (await anext(inbox)).offset == 2


async def test_a_subscribe_given_up_leaves_no_half_subscription(autojump_clock, gateway, nursery):
    async def serve():
        await gateway.greet()
        connection = await gateway.greet()
        await connection.ok(await connection.receive(), position="n:1")

    nursery.start_soon(serve)
    async with gateway.connect() as inbox:
        with trio.move_on_after(1):
            await inbox.subscribe("news")
        await inbox.subscribe("news")

    assert len(gateway.attempts) == 2


async def test_a_channel_refused_after_a_reconnect_ends_the_inbox(autojump_clock, gateway, nursery):
    async def serve():
        connection = await gateway.greet()
        await connection.ok(await connection.receive(), position="n:1")
        await connection.lose()
        connection = await gateway.greet()
        await connection.error(await connection.receive(), 103)

    nursery.start_soon(serve)
    async with gateway.connect(channels=["news"]) as inbox:
        with pytest.raises(PermissionDenied, match="news"):
            await anext(inbox)


async def test_a_frame_too_large_for_the_server_fails_its_own_request_alone(autojump_clock, gateway, nursery):
    answers = []

    async def serve():
        connection = await gateway.greet()
        await connection.receive()
        await connection.receive()
        await connection.close(1009, "message too big")
        connection = await gateway.greet()
        await connection.ok(await connection.receive(), offset=3)

    async def send_small(inbox):
        answers.append(await inbox.send("8", 1))

    nursery.start_soon(serve)
    async with gateway.connect() as inbox, trio.open_nursery() as sending:
        sending.start_soon(send_small, inbox)
        with pytest.raises(BadRequest, match="larger"):
            await inbox.send("8", "x" * 100_000)

    assert answers == [3]


@pytest.mark.parametrize("data", [float("nan"), float("inf"), {1, 2}, object(), "\ud800"])
async def test_what_is_no_json_is_refused_before_anything_is_sent(autojump_clock, gateway, nursery, data):
    nursery.start_soon(gateway.greet)
    async with gateway.connect() as inbox:
        with pytest.raises(InvalidData):
            await inbox.send("8", data)


async def test_wrong_names_are_refused_before_anything_is_sent(autojump_clock, gateway, nursery):
    nursery.start_soon(gateway.greet)
    async with gateway.connect() as inbox:
        with pytest.raises(BadRequest):
            await inbox.send("", 1)
        with pytest.raises(InvalidChannel):
            await inbox.publish("", 1)
        with pytest.raises(BadRequest):
            await inbox.subscribe("news", since="nonsense")


async def test_only_one_task_iterates(autojump_clock, gateway, nursery):
    nursery.start_soon(gateway.greet)
    async with gateway.connect() as inbox:
        nursery.start_soon(anext, inbox)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(trio.BusyResourceError):
            await anext(inbox)
        nursery.cancel_scope.cancel()
