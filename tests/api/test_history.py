"""The API reads all of a history that is asked for, page by page, as it was at one moment."""

from __future__ import annotations

import attrs
import pytest

from trio_gateway.api import history
from trio_gateway.model.recovery import Stored


async def publish(call, count, channel="news"):
    for number in range(1, count + 1):
        position = await call.broker.publish(channel, str(number).encode())
    return position.epoch


def offsets(result):
    return [one["offset"] for one in result["publications"]]


@pytest.mark.parametrize("request_", [{}, {"limit": 0}, {"limit": None}])
async def test_without_a_limit_it_is_the_position_alone(call, request_):
    epoch = await publish(call, 3)
    answer = await call.result("history", channel="news", **request_)
    assert answer == {"publications": [], "epoch": epoch, "offset": 3}


async def test_a_channel_without_publications_has_an_epoch_already(call):
    answer = await call.result("history", channel="new", limit=10)
    assert (answer["publications"], answer["offset"]) == ([], 0)
    assert (await call.result("publish", channel="new", data=1))["epoch"] == answer["epoch"]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"limit": 2}, [1, 2]),
        ({"limit": -1}, [1, 2, 3, 4, 5]),
        ({"limit": 100}, [1, 2, 3, 4, 5]),
        ({"limit": 2, "reverse": True}, [5, 4]),
        ({"limit": -1, "reverse": True}, [5, 4, 3, 2, 1]),
        ({"limit": 2, "since": {"offset": 2}}, [3, 4]),
        ({"limit": -1, "since": {"offset": 5}}, []),
        ({"limit": -1, "since": {"offset": 2**53 - 1}}, []),
        ({"limit": -1, "since": {"offset": 4}, "reverse": True}, [3, 2, 1]),
        ({"limit": -1, "since": {"offset": 1}, "reverse": True}, []),
        ({"limit": -1, "since": {"offset": 2**53 - 1}, "reverse": True}, [5, 4, 3, 2, 1]),
        ({"limit": -1, "since": {}}, [1, 2, 3, 4, 5]),
    ],
)
@pytest.mark.parametrize("page", [1, 2, 500])
async def test_it_answers_what_is_asked_for_whatever_fits_in_a_page(call, monkeypatch, request_, expected, page):
    monkeypatch.setattr(history, "PAGE", page)
    await publish(call, 5)
    answer = await call.result("history", channel="news", **request_)
    assert (offsets(answer), answer["offset"]) == (expected, 5)


async def test_no_limit_is_too_large(call):
    await publish(call, 1200)
    assert offsets(await call.result("history", channel="news", limit=10**30)) == list(range(1, 1201))


async def test_it_begins_with_what_is_still_kept(call):
    await publish(call, 5, "brief:x")
    assert offsets(await call.result("history", channel="brief:x", limit=-1, since={"offset": 1})) == [3, 4, 5]


async def test_the_right_epoch_goes_and_another_is_unrecoverable(call):
    epoch = await publish(call, 2)
    assert offsets(await call.result("history", channel="news", limit=9, since={"offset": 1, "epoch": epoch})) == [2]
    for limit in (0, 9):
        refused = await call.error("history", channel="news", limit=limit, since={"offset": 1, "epoch": "another"})
        assert refused[0] == 112


async def test_a_publication_shows_its_tags_and_who_sent_it(call):
    info = b'{"user":"7","client":"c","conn_info":{"n": 1}}'
    await call.broker.publish("news", b'{"a": 1}', sender="7", info=info, tags=b'{"k":"v"}')
    (shown,) = (await call.result("history", channel="news", limit=1))["publications"]
    assert shown == {
        "data": {"a": 1},
        "offset": 1,
        "info": {"user": "7", "client": "c", "conn_info": {"n": 1}},
        "tags": {"k": "v"},
    }


async def test_what_is_published_while_it_is_read_is_left_out(call, monkeypatch):
    monkeypatch.setattr(history, "PAGE", 2)
    await publish(call, 3)
    read = call.broker.read

    async def read_and_publish(*arguments):
        await call.broker.publish("news", b"0")
        return await read(*arguments)

    monkeypatch.setattr(call.broker, "read", read_and_publish)
    answer = await call.result("history", channel="news", limit=-1)
    assert (offsets(answer), answer["offset"]) == ([1, 2, 3], 3)


async def test_a_store_that_loses_the_channel_meanwhile_is_asked_again_by_the_caller(call, monkeypatch):
    await publish(call, 3)
    attach = call.broker.attach

    async def attach_and_lose(channel):
        return attrs.evolve(await attach(channel), epoch="lost")

    monkeypatch.setattr(call.broker, "attach", attach_and_lose)
    assert (await call.error("history", channel="news", limit=-1))[0] == 100


async def test_what_expires_meanwhile_ends_the_answer(call, monkeypatch):
    epoch = await publish(call, 3)

    async def read(*_arguments):
        return Stored(epoch, 3, ())

    monkeypatch.setattr(call.broker, "read", read)
    monkeypatch.setattr(call.broker, "read_back", read)
    assert offsets(await call.result("history", channel="news", limit=-1)) == []
    assert offsets(await call.result("history", channel="news", limit=-1, reverse=True)) == []


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"channel": ""}, 107),
        ({"channel": "news", "limit": "1"}, 107),
        ({"channel": "news", "since": {"offset": -1}}, 107),
        ({"channel": "news", "reverse": True, "since": {"offset": 0}}, 107),
        ({"channel": "nowhere:x"}, 102),
        ({"channel": "none:x"}, 108),
        ({"channel": "$:control"}, 107),
    ],
)
async def test_what_can_not_be_read_is_refused(call, request_, code):
    assert (await call.error("history", **request_))[0] == code


async def test_history_remove_drops_what_is_kept_and_offsets_go_on(call):
    epoch = await publish(call, 3)
    assert await call.result("history_remove", channel="news") == {}
    answer = await call.result("history", channel="news", limit=-1)
    assert answer == {"publications": [], "epoch": epoch, "offset": 3}
    assert await call.result("publish", channel="news", data=1) == {"offset": 4, "epoch": epoch}
    assert (await call.error("history_remove", channel="none:x"))[0] == 108
    assert call.control.told == [("forget", "news")]
