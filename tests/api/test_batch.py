"""A batch has a reply for each command, in order, without a result around them."""

from __future__ import annotations

import msgspec
import pytest
import trio

from trio_gateway.model.errors import BadRequest

COMMANDS = [
    {"publish": {"channel": "news", "data": 1}},
    {"publish": {"channel": "nowhere:x", "data": 1}},
    {"disconnect": {"user": "7"}},
    {},
    {"publish": {}},
    {"history": {"channel": "news", "limit": 1}},
]


@pytest.mark.parametrize("parallel", [False, None])
async def test_each_command_has_its_reply(call, parallel):
    answer = await call("batch", commands=COMMANDS, parallel=parallel)
    assert set(answer) == {"replies"}
    published, unknown, disconnected, empty, malformed, history = answer["replies"]
    assert published["publish"]["offset"] == 1
    assert unknown["error"]["code"] == 102
    assert disconnected == {"disconnect": {}}
    assert empty["error"]["code"] == 104
    assert malformed["error"]["code"] == 107
    assert history["history"]["offset"] == 1


async def test_in_parallel_the_replies_are_in_order_too(call):
    answer = await call("batch", commands=COMMANDS * 50, parallel=True)
    assert [next(iter(reply)) for reply in answer["replies"]] == [
        *("publish", "error", "disconnect", "error", "error", "history")
    ] * 50


@pytest.mark.parametrize(("parallel", "seconds"), [(False, 20), (True, 1)])
async def test_parallel_commands_wait_at_the_same_time(call, autojump_clock, parallel, seconds):
    async def wait(*_arguments):
        await trio.sleep(1)

    call.control.tell = wait
    began = trio.current_time()
    await call("batch", commands=[{"disconnect": {"user": "7"}}] * 20, parallel=parallel)
    assert trio.current_time() - began == pytest.approx(seconds, abs=0.1)


async def test_without_commands_the_answer_is_empty(call):
    assert await call("batch") == {}
    assert await call("batch", commands=[]) == {}


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({"nothing": {}}, 104),
        ({"batch": {"commands": []}}, 104),
        ({"publish": 1}, 107),
        ({"publish": {"channel": "news", "data": 1}, "info": {}}, 107),
    ],
)
async def test_a_command_that_can_not_be_has_an_error_for_its_reply(call, command, code):
    (reply,) = (await call("batch", commands=[command]))["replies"]
    assert reply["error"]["code"] == code


async def test_commands_that_are_no_list_of_objects_refuse_the_batch(call):
    assert (await call.error("batch", commands=5))[0] == 107
    assert (await call.error("batch", commands=[5]))[0] == 107


async def test_text_in_a_command_that_is_not_utf_8_is_its_own_error(call):
    answer = await call.ask("/api/batch", content=b'{"commands": [{"publish": {"channel": "\xff"}}, {"info": {}}]}')
    broken, fine = answer.json()["replies"]
    assert broken["error"]["code"] == 107
    assert "nodes" in fine["info"]


@pytest.mark.parametrize(
    ("method", "request_of"),
    [
        ("batch", lambda count: {"commands": [{}] * count}),
        ("broadcast", lambda count: {"channels": ["nowhere:x"] * count, "data": 1}),
    ],
)
async def test_more_than_can_be_answered_at_once_is_refused_as_a_whole(call, method, request_of):
    with pytest.raises(BadRequest, match="length <= 100000"):
        await call.api.call(method, msgspec.json.encode(request_of(100_001)))
    answer = await call.api.call(method, msgspec.json.encode(request_of(1000)))
    (answers,) = msgspec.json.decode(msgspec.json.encode(answer)).values()
    assert len(answers) == 1000
