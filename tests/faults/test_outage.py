"""While Redis is away: ready is red, clients stay, what they ask is answered by 100, publishing raises; then all goes on."""

from __future__ import annotations

import time

import pytest
import trio
from broker.valkey import running
from e2e.gateway_process import serving
from e2e.stock_client import dial

from trio_gateway.model.errors import BrokerUnavailable
from trio_gateway.publisher import AsyncPublisher, Publisher


@pytest.mark.parametrize("gone", ["killed", "hanging"])
async def test_clients_are_told_soon_and_stay(tmp_path, store, gone):
    with running(store, "--appendfsync", "always") as valkey:
        async with (
            serving(tmp_path, "--insecure", "--redis-url", valkey.url) as gateway,
            dial(gateway.url(user="7", device="phone")) as client,
        ):
            await client.ask(type="send", to="7", data="before")
            valkey.kill() if gone == "killed" else valkey.pause()
            asked = time.monotonic()
            answer = await client.ask(type="send", to="7", data="lost", id="m1")
            took = time.monotonic() - asked
            reasons = await gateway.turns_red()
            for _ in range(3):
                assert (await client.ask(type="send", to="7", data="lost", id="m1"))["code"] == 100
            health = await gateway.health()
            valkey.start() if gone == "killed" else valkey.resume()
            await gateway.wait_ready()
            repeated = await client.ask(type="send", to="7", data="lost", id="m1")
            await client.ask(type="send", to="7", data="after")

            received = [await client.receive("message") for _ in range(3)]

    assert (answer["type"], answer["code"]) == ("error", 100)
    assert took < 5 * 2  # 2 s are promised: tests/broker/redis/test_in_time.py
    assert reasons
    assert health["connections"] == 1
    assert repeated["type"] == "ok"
    assert [message["data"] for message in received] == ["before", "lost", "after"]
    assert received[1]["offset"] == repeated["offset"]


async def test_publishing_raises_and_a_repetition_takes_effect_once(tmp_path, store):
    with running(store, "--appendfsync", "always") as valkey:
        async with (
            serving(tmp_path, "--insecure", "--redis-url", valkey.url) as gateway,
            AsyncPublisher(valkey.url, timeout=1) as publisher,
            dial(gateway.url(user="7")) as client,
        ):
            with Publisher(valkey.url, timeout=1) as synchronous:
                valkey.pause()
                with pytest.raises(BrokerUnavailable):
                    await publisher.send_to_user("7", "m1", id="m1")
                with pytest.raises(BrokerUnavailable):
                    await trio.to_thread.run_sync(synchronous.send_to_user, "7", "m2", "m2")
                valkey.resume()
                await gateway.wait_ready()
                first = await publisher.send_to_user("7", "m1", id="m1")
                second = await trio.to_thread.run_sync(synchronous.send_to_user, "7", "m2", "m2")
            received = [await client.receive("message") for _ in range(2)]
            with valkey.client() as redis:
                stored = redis.xlen("tg:{#7}:s")

    assert stored == 2
    assert {message["offset"]: message["data"] for message in received} == {first.offset: "m1", second.offset: "m2"}
