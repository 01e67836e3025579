"""Publishing by the API stores what it says, and tells of each channel what became of it."""

from __future__ import annotations

import base64

import pytest

from trio_gateway.broker.broker import Version
from trio_gateway.model.errors import BrokerUnavailable

TEXT = '{"b": 1e400, "a" : "\\u00fc"}'


async def kept(call, channel):
    return (await call.broker.read(channel, 0, 100)).publications


async def test_publish_answers_the_position(call):
    first = await call.result("publish", channel="news", data={"text": "hi"})
    second = await call.result("publish", channel="news", data=None)
    assert (first["offset"], second) == (1, {"offset": 2, "epoch": first["epoch"]})


async def test_without_history_there_is_no_position(call):
    assert await call.result("publish", channel="none:x", data=1) == {}


async def test_data_stays_as_it_was_written(call):
    await call.ask("/api/publish", content=f'{{"channel": "news", "data": {TEXT}}}')
    assert [one.data.decode() for one in await kept(call, "news")] == [TEXT]


async def test_base64_stands_for_json_text_and_goes_before_data(call):
    await call.result("publish", channel="news", data=1, b64data=base64.b64encode(b"[2]").decode())
    assert [one.data for one in await kept(call, "news")] == [b"[2]"]


@pytest.mark.parametrize("b64data", ["*", "YQ", "YQ==", "ü"])
async def test_base64_of_no_json_is_refused(call, b64data):
    assert (await call.error("publish", channel="news", b64data=b64data))[0] == 107


async def test_null_in_place_of_an_option_is_none(call):
    options = dict.fromkeys(("b64data", "tags", "idempotency_key", "version", "version_epoch", "skip_history", "delta"))
    assert (await call.result("publish", channel="news", data=1, **options))["offset"] == 1


async def test_a_repetition_with_the_same_key_answers_the_first_position(call):
    first = await call.result("publish", channel="news", data=1, idempotency_key="k")
    assert await call.result("publish", channel="news", data=2, idempotency_key="k") == first
    assert len(await kept(call, "news")) == 1


@pytest.mark.parametrize("key", ["k" * 129, "a\nb"])
async def test_a_key_that_can_not_be_is_refused(call, key):
    assert (await call.error("publish", channel="news", data=1, idempotency_key=key))[0] == 107


async def test_skip_history_keeps_nothing(call):
    assert await call.result("publish", channel="news", data=1, skip_history=True) == {}
    assert not await kept(call, "news")


async def test_an_older_version_is_not_published(call):
    first = await call.result("publish", channel="news", data=1, version=5)
    assert await call.result("publish", channel="news", data=0, version=4) == first
    assert (await call.result("publish", channel="news", data=2, version=6))["offset"] == 2


@pytest.mark.parametrize("delta", [True, False])
async def test_a_delta_can_be_asked_for(call, delta):
    await call.result("publish", channel="news", data=1, delta=delta)
    await call.result("broadcast", channels=["news"], data=2, delta=delta)
    assert [one.delta for one in await kept(call, "news")] == [delta, delta]


async def test_the_broker_is_given_tags_and_version(call):
    given = {}

    async def publish(channel, data, **options):
        given.update(options)
        raise BrokerUnavailable("away")

    call.broker.publish = publish
    options = {"tags": {"a": "ü"}, "version": 3, "version_epoch": "e", "delta": True}
    assert await call.error("publish", channel="news", data=1, **options) == (100, "away")
    assert given["tags"] == '{"a":"ü"}'.encode()
    assert given["version"] == Version(3, "e")


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({}, 107),
        ({"channel": "", "data": 1}, 107),
        ({"channel": 1, "data": 1}, 107),
        ({"channel": "news"}, 107),
        ({"channel": "x" * 256, "data": 1}, 107),
        ({"channel": "a\tb", "data": 1}, 107),
        ({"channel": "$:control", "data": 1}, 107),
        ({"channel": "nowhere:x", "data": 1}, 102),
        ({"channel": "news", "data": 1, "tags": {"a": 1}}, 107),
        ({"channel": "news", "data": 1, "version": -1}, 107),
        ({"channel": "news", "data": 1, "version": 2**53}, 107),
    ],
)
async def test_what_can_not_be_published_is_refused_with_a_reason(call, request_, code):
    refused, detail = await call.error("publish", **request_)
    assert refused == code
    assert detail


async def test_a_broadcast_answers_for_each_channel_in_order(call):
    answer = await call.result("broadcast", channels=["news", "nowhere:x", "none:x", "#7"], data=1)
    news, nowhere, none, inbox = answer["responses"]
    assert (news["result"]["offset"], inbox["result"]["offset"], none) == (1, 1, {"result": {}})
    assert (nowhere["error"]["code"], nowhere["error"]["message"]) == (102, "unknown channel")


async def test_a_broadcast_in_very_many_channels_stays_in_order(call):
    channels = [f"none:{number}" if number % 3 else "nowhere:x" for number in range(500)]
    responses = (await call.result("broadcast", channels=channels, data=1))["responses"]
    assert ["error" in one for one in responses] == [not number % 3 for number in range(500)]


async def test_a_broadcast_without_data_is_refused_in_each_response(call):
    responses = (await call.result("broadcast", channels=["news", "#7"]))["responses"]
    assert [one["error"]["code"] for one in responses] == [107, 107]


@pytest.mark.parametrize("request_", [{"data": 1}, {"data": 1, "channels": []}])
async def test_a_broadcast_without_channels_is_refused(call, request_):
    assert (await call.error("broadcast", **request_))[0] == 107
