"""`cent`, the client of the HTTP API for Python, in both its forms: each method of it that exists here, and each kind of error."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
import trio
from programs import lacking
from sdk.nodes import API_KEY, new_channel, new_user, token

try:
    import cent
except ImportError:
    lacking("cent is not installed: `nox -s sdk` does it")

from cent import (
    BatchRequest,
    BroadcastRequest,
    CentApiResponseError,
    CentNetworkError,
    CentTransportError,
    CentUnauthorizedError,
    ChannelsRequest,
    Disconnect,
    DisconnectRequest,
    HistoryRemoveRequest,
    HistoryRequest,
    InfoRequest,
    PresenceRequest,
    PresenceStatsRequest,
    PublishRequest,
    RefreshRequest,
    StreamPosition,
    SubscribeRequest,
    UnsubscribeRequest,
)
from ports import free_port


def call_sync(url, key, method, request):
    client = cent.Client(url, key)
    return getattr(client, method)(request)


def call_async(url, key, method, request):
    async def call():
        client = cent.AsyncClient(url, key)
        try:
            return await getattr(client, method)(request)
        finally:
            await client.close()

    return asyncio.run(call())


@pytest.fixture(params=[call_sync, call_async], ids=["sync", "async"])
def call_at(request):
    """Give what calls a method at a URL with a key."""
    return partial(trio.to_thread.run_sync, request.param)


@pytest.fixture
def call(call_at, one):
    """Give what calls a method of the first node."""
    return partial(call_at, one.api_url, API_KEY)


@pytest.fixture
def user():
    return new_user()


@pytest.fixture
async def client(two, python_sdk, nursery, user):
    """Give a client at the second node."""
    client = await python_sdk.open(nursery)
    await client.connect(two.sdk_url, *[token(user)] * 10)
    return await client.connected()


async def test_publish_history_and_history_remove(call):
    channel = new_channel()
    first = await call("publish", PublishRequest(channel=channel, data={"n": 1}, tags={"a": "b"}))
    again = [
        await call("publish", PublishRequest(channel=channel, data={"n": 2}, idempotency_key="second"))
        for _ in range(2)
    ]
    kept = await call("history", HistoryRequest(channel=channel, limit=10))
    since = StreamPosition(offset=1, epoch=kept.epoch)
    later = await call("history", HistoryRequest(channel=channel, limit=10, since=since))
    newest = await call("history", HistoryRequest(channel=channel, limit=1, reverse=True))
    await call("history_remove", HistoryRemoveRequest(channel=channel))
    empty = await call("history", HistoryRequest(channel=channel, limit=10))

    assert (first.offset, [each.offset for each in again]) == (1, [2, 2])
    assert [(each.offset, each.data) for each in kept.publications] == [(1, {"n": 1}), (2, {"n": 2})]
    assert kept.publications[0].tags == {"a": "b"}
    assert [each.offset for each in later.publications] == [each.offset for each in newest.publications] == [2]
    assert (empty.publications, empty.offset, empty.epoch) == ([], 2, kept.epoch)


async def test_publish_without_a_history_has_no_position(call):
    published = await call("publish", PublishRequest(channel=new_channel("lobby"), data=1))

    assert (published.offset, published.epoch) == (0, "")


async def test_broadcast(call):
    good = new_channel()
    sent = await call("broadcast", BroadcastRequest(channels=[good, "nowhere:x"], data="to all"))

    assert sent.responses[0].result.offset == 1
    assert sent.responses[1].error.code == 102


async def test_subscribe_presence_and_unsubscribe(call, client, user):
    channel = new_channel("private")
    await call("subscribe", SubscribeRequest(user=user, channel=channel, info={"by": "api"}, data={"hello": 1}))
    subscribed = await client.event("subscribed", channel)
    present = await call("presence", PresenceRequest(channel=channel))
    counted = await call("presence_stats", PresenceStatsRequest(channel=channel))
    channels = await call("channels", ChannelsRequest(pattern=f"{channel[:-1]}*"))
    await call("unsubscribe", UnsubscribeRequest(user=user, channel=channel))
    await client.event("unsubscribed", channel)
    empty = await call("presence", PresenceRequest(channel=channel))

    assert subscribed["data"] == {"hello": 1}
    assert (present.presence[client.id].user, present.presence[client.id].chan_info) == (user, {"by": "api"})
    assert (counted.num_clients, counted.num_users) == (1, 1)
    assert channels.channels[channel].num_clients == 1
    assert empty.presence == {}


async def test_subscribe_from_a_position(call, client, user):
    channel = new_channel()
    first = await call("publish", PublishRequest(channel=channel, data=1))
    await call("publish", PublishRequest(channel=channel, data=2))
    since = StreamPosition(offset=first.offset, epoch=first.epoch)
    await call("subscribe", SubscribeRequest(user=user, channel=channel, recover_since=since))
    await client.event("subscribed", channel)

    assert await client.publications(channel, 1) == [2]


async def test_disconnect(call, client, user):
    await call("disconnect", DisconnectRequest(user=user, disconnect=Disconnect(code=4500, reason="enough")))
    gone = await client.event("disconnected")

    assert (gone["code"], gone["reason"]) == (4500, "enough")


async def test_disconnect_but_for_some(call, client, user):
    await call("disconnect", DisconnectRequest(user=user, whitelist=[client.id]))
    await call("publish", PublishRequest(channel=f"#{user}", data="still here"))

    assert await client.publications(f"#{user}", 1) == ["still here"]


async def test_refresh(call, client, user):
    await call("refresh", RefreshRequest(user=user, client=client.id, expired=True))

    assert await client.event("connecting", code=3005)


async def test_info(call, nodes, client):
    info = await call("info", InfoRequest())

    assert len(info.nodes) == len(nodes)
    assert len({node.uid for node in info.nodes}) == len(nodes)
    assert sum(node.num_clients for node in info.nodes) >= 1
    assert all(node.version and node.uptime >= 0 for node in info.nodes)


@pytest.mark.parametrize("parallel", [False, True])
async def test_batch(call, parallel):
    channel = new_channel()
    requests = [
        PublishRequest(channel=channel, data="a"),
        PresenceStatsRequest(channel=channel),
        ChannelsRequest(),
        DisconnectRequest(user="nobody at all"),
    ]
    batch = await call("batch", BatchRequest(requests=requests, parallel=parallel))
    published, counted, _channels, _disconnected = batch.replies

    assert published.offset == 1
    assert counted.num_clients == 0


@pytest.mark.parametrize(
    ("method", "request_", "code"),
    [
        ("publish", PublishRequest(channel="nowhere:x", data=1), 102),
        ("publish", PublishRequest(channel="", data=1), 107),
        ("publish", PublishRequest(channel="chat:x", data=None), 107),  # it leaves None out
        ("presence", PresenceRequest(channel="lobby:x"), 108),
        ("history", HistoryRequest(channel="lobby:x"), 108),
        ("history", HistoryRequest(channel="chat:x", since=StreamPosition(offset=1, epoch="another")), 112),
        ("channels", ChannelsRequest(pattern="["), 107),
    ],
)
async def test_an_error_of_the_api(call, method, request_, code):
    with pytest.raises(CentApiResponseError) as refused:
        await call(method, request_)

    assert refused.value.code == code


async def test_a_wrong_key_is_unauthorized(call_at, one):
    with pytest.raises(CentUnauthorizedError):
        await call_at(one.api_url, "another key", "info", InfoRequest())


async def test_a_method_that_is_not_there_is_no_answer_of_the_api(call):
    with pytest.raises(CentTransportError) as refused:
        await call("connections", cent.ConnectionsRequest(user="7", expression=""))

    assert refused.value.status_code == 404


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("block_user", cent.BlockUserRequest(user="7", expire_at=2_000_000_000)),
        ("revoke_token", cent.RevokeTokenRequest(uid="token-41", expire_at=2_000_000_000)),
    ],
)
async def test_methods_of_the_paid_edition_that_have_other_fields_here_are_bad_requests(call, method, request_):
    with pytest.raises(CentApiResponseError) as refused:
        await call(method, request_)

    assert refused.value.code == 107


async def test_one_that_has_another_name_here_is_not_there(call):
    with pytest.raises(CentTransportError) as refused:
        await call("invalidate_user_tokens", cent.InvalidateUserTokensRequest(user="7"))

    assert refused.value.status_code == 404


def test_there_is_no_method_for_a_call():
    assert not hasattr(cent.Client, "rpc")


async def test_an_error_in_a_batch_is_one_of_the_client_itself(call):
    with pytest.raises(KeyError):
        await call("batch", BatchRequest(requests=[PresenceRequest(channel="nowhere:x")]))


async def test_a_gateway_that_is_not_there(call_at):
    with pytest.raises(CentNetworkError):
        await call_at(f"http://127.0.0.1:{free_port()}/api", API_KEY, "info", InfoRequest())
