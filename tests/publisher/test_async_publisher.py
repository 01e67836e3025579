"""The publisher on Trio, against a real Valkey."""

from __future__ import annotations

import math

import pytest
import trio

from trio_gateway.model.errors import (
    BadRequest,
    BrokerUnavailable,
    ConfigurationError,
    InvalidChannel,
    InvalidData,
    InvalidId,
    PublicationTooLarge,
    UnknownChannel,
)
from trio_gateway.model.position import Position
from trio_gateway.publisher import AsyncPublisher, EncodedJson, Publisher


@pytest.fixture
async def publisher(valkey, prefix):
    async with AsyncPublisher(valkey.url, prefix=prefix) as publisher:
        yield publisher


async def test_what_is_published_is_stored_and_has_the_position_that_was_answered(publisher, stored):
    first = await publisher.send_to_user("7", {"text": "hi"})

    assert await publisher.publish("#7", 2) == Position(first.epoch, 2)
    assert [body.split(b"\n")[-1] for body in stored("#7")] == [b'{"text":"hi"}', b"2"]


async def test_tags_go_with_the_data(publisher, stored):
    await publisher.publish("news", 1, tags={"lang": "de"})
    await publisher.send_to_user("7", 2, "m1", tags={"a": "1"})

    assert stored("news")[0].endswith(b',"","",null,{"lang":"de"}]\n1')
    assert stored("#7")[0].endswith(b',"","m1",null,{"a":"1"}]\n2')


async def test_the_wish_for_a_delta_goes_with_the_data(publisher, stored):
    await publisher.publish("news", 1, delta=True)

    assert stored("news")[0].endswith(b',"","",null,{},1]\n1')


async def test_both_publishers_are_one_sender(publisher, valkey, prefix):
    first = await publisher.publish("news", 1, id="m1")

    with Publisher(valkey.url, prefix=prefix) as other:
        assert other.publish("news", 1, id="m1") == first


@pytest.mark.parametrize(
    ("channel", "data", "id", "error"),
    [
        ("", 1, None, InvalidChannel),
        ("x" * 256, 1, None, InvalidChannel),
        ("unknown:x", 1, None, UnknownChannel),
        ("news", math.nan, None, InvalidData),
        ("news", EncodedJson(b"no json"), None, InvalidData),
        ("news", "x" * 1_048_576, None, PublicationTooLarge),
        ("news", 1, "x" * 129, InvalidId),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_stored(publisher, stored, channel, data, id, error):
    with pytest.raises(error):
        await publisher.publish(channel, data, id)

    assert stored(channel.encode("utf-8", "replace").decode()) == []


async def test_a_wrong_user_id_is_refused(publisher):
    with pytest.raises(BadRequest):
        await publisher.send_to_user("", 1)


async def test_a_wrong_url_is_the_programs_fault():
    with pytest.raises(ConfigurationError):
        AsyncPublisher("http://h")


async def test_tasks_share_a_publisher(publisher):
    offsets = []

    async def publish():
        offsets.append((await publisher.publish("news", 1)).offset)

    async with trio.open_nursery() as nursery:
        for _ in range(100):
            nursery.start_soon(publish)

    assert sorted(offsets) == list(range(1, 101))


async def test_nobody_notices_a_function_flush(publisher, valkey, stored):
    await publisher.publish("news", 1)
    with valkey.client() as client:
        client.function_flush()
    await publisher.publish("news", 2)
    with valkey.client() as client:
        client.function_flush()
    await publisher.broadcast(["news", "sport"], 3)

    assert len(stored("news")) == 3


async def test_a_broadcast_answers_for_each_channel_in_order(publisher):
    results = await publisher.broadcast(["a", "", "unknown:x", "b"], 1)

    assert [type(result) for result in results] == [Position, InvalidChannel, UnknownChannel, Position]
    assert await publisher.broadcast([], 1) == []
    assert [type(result) for result in await publisher.broadcast([""], 1)] == [InvalidChannel]


async def test_nothing_there_is_broker_unavailable(tmp_path):
    async with AsyncPublisher(f"unix://{tmp_path}/nothing") as publisher:
        with pytest.raises(BrokerUnavailable):
            await publisher.publish("news", 1)


async def test_a_killed_server_is_broker_unavailable_until_it_is_back(own_valkey):
    async with AsyncPublisher(own_valkey.url) as publisher:
        await publisher.publish("news", 1)
        own_valkey.kill()
        with pytest.raises(BrokerUnavailable):
            await publisher.publish("news", 2)
        own_valkey.start()
        with trio.fail_after(30):
            while True:
                try:
                    assert (await publisher.publish("news", 3, id="m3")).offset >= 2
                    break
                except BrokerUnavailable:
                    continue


@pytest.mark.parametrize("id", [None, "m1"])
async def test_a_stalled_server_is_broker_unavailable_in_bounded_time_and_stores_nothing_twice(own_valkey, id):
    async with AsyncPublisher(own_valkey.url, timeout=0.3) as publisher:
        await publisher.publish("other", 1)
        own_valkey.pause()
        with trio.fail_after(30):
            with pytest.raises(BrokerUnavailable):
                await publisher.publish("news", 1, id)
            with pytest.raises(BrokerUnavailable):
                await publisher.broadcast(["news2"], 1, id)
        own_valkey.resume()

    with own_valkey.client() as client:
        assert client.xlen("tg:{news}:s") <= 1
        assert client.xlen("tg:{news2}:s") <= 1


async def test_an_error_of_the_block_comes_out_bare(valkey):
    with pytest.raises(KeyError):
        async with AsyncPublisher(valkey.url):
            raise KeyError


async def test_a_cancelled_block_stays_cancelled(valkey):
    with trio.CancelScope() as scope:
        async with AsyncPublisher(valkey.url):
            scope.cancel()
            await trio.sleep_forever()

    assert scope.cancelled_caught
