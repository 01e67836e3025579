"""The SDK falls back to a stream where no WebSocket gets through: behind nginx, too, and whichever node its commands reach."""

from __future__ import annotations

import pytest
from e2e.gateway_process import until
from sdk.nginx import BUFFERING, STREAMING, running
from sdk.nodes import new_channel, new_user, token


@pytest.fixture(params=["http_stream", "sse"])
def stream_sdk(request):
    """Give the SDK for JavaScript over one of the streams."""
    return request.getfixturevalue(f"{request.param}_sdk")


@pytest.fixture(scope="module", params=[BUFFERING, STREAMING], ids=["buffering", "streaming"])
def nginx(request, one, two, tmp_path_factory):
    """Give an nginx in front of both gateways: what reaches which is its choice."""
    with running(tmp_path_factory.mktemp("nginx"), request.param, [one.port, two.port]) as nginx:
        yield nginx


async def start(stream_sdk, nursery, url, *, user=None, **options):
    client = await stream_sdk.open(nursery)
    await client.connect(url, *[token(user or new_user())] * 20, **options)
    return await client.connected()


async def test_commands_may_reach_another_node(one, two, stream_sdk, nursery):
    client = await start(stream_sdk, nursery, one.sdk_url, emulation=two.sdk_url)
    channel = new_channel()
    await client.subscribe(channel)
    await client.publish(channel, {"text": "hi"})

    assert await client.publications(channel, 1) == [{"text": "hi"}]
    assert client.id in (await one.api("presence", channel=channel))["presence"]


async def test_a_stream_that_is_aborted_is_noticed_within_2_seconds(one, two, stream_sdk, nursery):
    client = await start(stream_sdk, nursery, one.sdk_url)
    channel = new_channel()
    await client.subscribe(channel)
    await until(lambda: counts(two, channel, 1))
    await client.ask("disconnect")

    await until(lambda: counts(two, channel, 0), seconds=10)


async def test_behind_nginx_everything_arrives_at_once_and_in_order(nginx, one, stream_sdk, nursery):
    client = await start(stream_sdk, nursery, nginx.sdk_url)
    channel = new_channel()
    await client.subscribe(channel)
    await one.publish(channel, *range(50))

    assert await client.publications(channel, 50) == list(range(50))
    await client.publish(channel, "mine")
    assert await client.publications(channel, 1) == ["mine"]
    assert (await client.ask("presence_stats", channel=channel))["num_clients"] == 1


async def test_behind_nginx_a_client_that_leaves_is_gone(nginx, two, stream_sdk, nursery):
    client = await start(stream_sdk, nursery, nginx.sdk_url)
    channel = new_channel()
    await client.subscribe(channel)
    await until(lambda: counts(two, channel, 1))
    await client.ask("disconnect")

    await until(lambda: counts(two, channel, 0), seconds=10)


async def test_behind_nginx_an_end_by_the_server_is_told(nginx, one, stream_sdk, nursery):
    user = new_user()
    client = await start(stream_sdk, nursery, nginx.sdk_url, user=user)
    await one.api("disconnect", user=user)

    assert (await client.event("disconnected"))["code"] == 3503


async def test_behind_nginx_a_client_that_comes_back_recovers(nginx, one, stream_sdk, nursery):
    client = await start(stream_sdk, nursery, nginx.sdk_url)
    channel = new_channel()
    await client.subscribe(channel, recoverable=True)
    await one.publish(channel, 1)
    assert await client.publications(channel, 1) == [1]
    await client.ask("disconnect")
    await client.event("disconnected")
    await one.publish(channel, 2, 3)
    await client.connect(nginx.sdk_url)
    await client.connected()

    assert await client.publications(channel, 2) == [2, 3]


async def counts(node, channel, clients):
    return (await node.api("presence_stats", channel=channel))["num_clients"] == clients
