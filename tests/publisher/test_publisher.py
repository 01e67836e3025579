"""The synchronous publisher, against a real Valkey."""

from __future__ import annotations

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

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
from trio_gateway.publisher import EncodedJson, Publisher


@pytest.fixture
def publisher(valkey, prefix):
    with Publisher(valkey.url, prefix=prefix) as publisher:
        yield publisher


def test_what_is_published_is_stored_and_has_the_position_that_was_answered(publisher, stored):
    first = publisher.send_to_user("7", {"text": "hi"})
    second = publisher.publish("#7", ["ü", None, 1.5])

    assert (first.offset, second) == (1, Position(first.epoch, 2))
    assert [body.split(b"\n")[-1] for body in stored("#7")] == [b'{"text":"hi"}', '["ü",null,1.5]'.encode()]


def test_json_that_is_written_already_is_stored_as_it_is(publisher, stored):
    publisher.publish("news", EncodedJson(b'{"a": 1.0}'))

    assert stored("news")[0].endswith(b'\n{"a": 1.0}')


def test_tags_go_with_the_data(publisher, stored):
    publisher.publish("news", 1, tags={"lang": "dé"})
    publisher.send_to_user("7", 2, "m1", tags={"a": "1", "b": ""})
    publisher.publish("news", 3, tags={})

    assert stored("news")[0].endswith(',"","",null,{"lang":"dé"}]\n1'.encode())
    assert stored("#7")[0].endswith(b',"","m1",null,{"a":"1","b":""}]\n2')
    assert stored("news")[1].count(b",") == 1


def test_the_wish_for_a_delta_goes_with_the_data(publisher, stored):
    publisher.publish("news", 1, delta=True)
    publisher.publish("news", 2, "m1", tags={"a": "1"}, delta=True)

    assert stored("news")[0].endswith(b',"","",null,{},1]\n1')
    assert stored("news")[1].endswith(b',"","m1",null,{"a":"1"},1]\n2')


@pytest.mark.parametrize("tags", [{"a": 1}, {1: "a"}, {"a": None}, {"a": "\ud800"}])
def test_tags_that_are_no_text_are_refused(publisher, stored, tags):
    with pytest.raises(InvalidData):
        publisher.publish("news", 1, tags=tags)

    assert stored("news") == []


def test_the_same_id_twice_is_one_publication(publisher, stored):
    first = publisher.publish("news", 1, id="m1")

    assert publisher.publish("news", 2, id="m1") == first
    assert len(stored("news")) == 1


def test_the_same_id_in_another_channel_is_another_publication(publisher, stored):
    publisher.publish("a", 1, id="m1")
    publisher.publish("b", 1, id="m1")

    assert len(stored("a")) == len(stored("b")) == 1


@pytest.mark.parametrize(
    ("channel", "data", "id", "error"),
    [
        ("", 1, None, InvalidChannel),
        ("a\nb", 1, None, InvalidChannel),
        ("\ud800", 1, None, InvalidChannel),
        ("x" * 256, 1, None, InvalidChannel),
        ("$:node:1", 1, None, InvalidChannel),
        ("$:control", 1, None, InvalidChannel),
        ("$unknown:x", 1, None, UnknownChannel),
        ("unknown:x", 1, None, UnknownChannel),
        ("news", math.nan, None, InvalidData),
        ("news", object(), None, InvalidData),
        ("news", EncodedJson(b"no json"), None, InvalidData),
        ("news", EncodedJson(b"\xff"), None, InvalidData),
        ("news", EncodedJson(b""), None, InvalidData),
        ("news", "x" * 1_048_576, None, PublicationTooLarge),
        ("news", 1, "x" * 129, InvalidId),
        ("news", 1, "a\nb", InvalidId),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_stored(publisher, valkey, prefix, channel, data, id, error):
    with pytest.raises(error):
        publisher.publish(channel, data, id)

    with valkey.client() as client:
        assert client.keys(f"{prefix}:*") == []


@pytest.mark.parametrize("user", ["", "x" * 129, "a\nb", "\ud800"])
def test_a_wrong_user_id_is_refused(publisher, user):
    with pytest.raises(BadRequest):
        publisher.send_to_user(user, 1)


@pytest.mark.parametrize(
    "options", [{"url": "http://h"}, {"url": "redis://h:port"}, {"url": "redis://h", "prefix": "{"}]
)
def test_a_wrong_url_or_prefix_is_the_programs_fault(options):
    with pytest.raises(ConfigurationError):
        Publisher(**options)


def test_threads_share_a_publisher(publisher, stored):
    barrier = threading.Barrier(8)

    def publish(number):
        barrier.wait(timeout=30)
        return [publisher.publish("news", [number, each]).offset for each in range(10)]

    with ThreadPoolExecutor(8) as threads:
        offsets = [offset for part in threads.map(publish, range(8)) for offset in part]

    assert sorted(offsets) == list(range(1, 81))
    assert len(stored("news")) == 80


def test_nobody_notices_a_function_flush(publisher, valkey, stored):
    publisher.publish("news", 1)
    with valkey.client() as client:
        client.function_flush()
    publisher.publish("news", 2)
    with valkey.client() as client:
        client.function_flush()
    publisher.broadcast(["news", "sport"], 3)

    assert len(stored("news")) == 3


def test_a_broadcast_answers_for_each_channel_in_order(publisher, stored):
    publisher.publish("b", 0)
    results = publisher.broadcast(["a", "", "b", "unknown:x", "c"], {"text": "hi"}, id="m1")

    assert [type(result) for result in results] == [Position, InvalidChannel, Position, UnknownChannel, Position]
    assert [result.offset for result in results if isinstance(result, Position)] == [1, 2, 1]
    assert publisher.broadcast(["a", "b"], 0, id="m1") == [results[0], results[2]]
    assert publisher.broadcast([], 1) == []
    assert len(stored("b")) == 2


def test_a_broadcast_refuses_what_is_wrong_for_all(publisher):
    with pytest.raises(InvalidData):
        publisher.broadcast(["a"], math.nan)
    with pytest.raises(InvalidId):
        publisher.broadcast(["a"], 1, id="x" * 129)


def test_a_broadcast_is_one_round_trip(publisher, valkey):
    """All commands are in one buffer of the server before it answers the first: one read brings them."""
    publisher.broadcast(["a"], 1)
    with valkey.client() as client:
        before = client.info("stats")["total_reads_processed"]
        publisher.broadcast([f"c{number}" for number in range(100)], 1)
        reads = client.info("stats")["total_reads_processed"] - before

    # One for the broadcast, one for INFO itself, and little else.
    assert reads < 20


def test_nothing_there_is_broker_unavailable(tmp_path):
    with Publisher(f"unix://{tmp_path}/nothing") as publisher:
        with pytest.raises(BrokerUnavailable):
            publisher.publish("news", 1)
        with pytest.raises(BrokerUnavailable):
            publisher.broadcast(["news"], 1, id="m1")


def test_a_killed_server_is_broker_unavailable_until_it_is_back(own_valkey):
    with Publisher(own_valkey.url) as publisher:
        publisher.publish("news", 1)
        own_valkey.kill()
        with pytest.raises(BrokerUnavailable):
            publisher.publish("news", 2)
        own_valkey.start()

        assert publisher.publish("news", 3).offset >= 2


@pytest.mark.parametrize("id", [None, "m1"])
def test_a_stalled_server_is_broker_unavailable_in_bounded_time_and_stores_nothing_twice(own_valkey, id):
    with Publisher(own_valkey.url, timeout=0.3) as publisher:
        publisher.publish("other", 1)
        own_valkey.pause()
        began = time.monotonic()
        with pytest.raises(BrokerUnavailable):
            publisher.publish("news", 1, id)
        with pytest.raises(BrokerUnavailable):
            publisher.broadcast(["news2"], 1, id)
        took = time.monotonic() - began
        own_valkey.resume()

    assert took < 4 * 0.3 * 5
    with own_valkey.client() as client:
        assert client.xlen("tg:{news}:s") <= 1
        assert client.xlen("tg:{news2}:s") <= 1


def test_an_idle_connection_that_the_server_closed_is_no_error(own_valkey):
    with Publisher(own_valkey.url) as publisher:
        publisher.publish("news", 1)
        own_valkey.kill()
        own_valkey.start()

        assert isinstance(publisher.publish("news", 2), Position)
