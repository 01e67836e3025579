"""A back end that loads the functions first, with settings that it only guesses, takes nothing away from anybody."""

from __future__ import annotations

import pytest
from e2e.gateway_process import serving
from e2e.stock_client import dial

KEPT = 3000
CONFIG = f"""
insecure = true
[inbox]
history_size = {KEPT}
[[channel.namespaces]]
name = "open"
allow_subscribe_for_client = true
allow_publish_for_client = true
"""


@pytest.fixture
async def gateway(tmp_path):
    config = tmp_path / "gateway.toml"
    config.write_text(CONFIG)
    async with serving(tmp_path, "--config", str(config)) as gateway:
        yield gateway


def flush_and_guess(gateway, publisher):
    """Take the functions away, and let a back end be the first who notices."""
    with gateway.redis() as redis:
        redis.function_flush()
    publisher.send_to_user("8", "the first after the flush")


async def test_clients_go_on_publishing_in_namespaces_that_the_back_end_does_not_know(gateway):
    async with dial(gateway.url(user="7")) as client:
        await client.ask(type="subscribe", channel="open:x")
        with gateway.publisher() as publisher:
            flush_and_guess(gateway, publisher)
            answer = await client.ask(type="publish", channel="open:x", data=1)

    assert (answer["type"], answer.get("offset")) == ("ok", 1)


async def test_histories_are_not_cut_to_the_length_that_it_guesses(gateway):
    with gateway.publisher() as publisher, gateway.redis() as redis:
        for number in range(KEPT // 500):
            publisher.broadcast(["#9"] * 500, number)
        flush_and_guess(gateway, publisher)
        for number in range(20):  # a stream is cut every 16th time
            publisher.send_to_user("9", number)

        assert redis.xlen("tg:{#9}:s") >= KEPT
