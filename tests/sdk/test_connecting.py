"""An SDK's client connects, stays, and ends as the gateway says it should."""

from __future__ import annotations

import pytest
from e2e.gateway_process import until
from sdk.driving import SdkError
from sdk.nodes import MOST_CONNECTIONS, new_channel, new_user, token


async def test_a_token_lets_a_client_in_and_it_can_leave_and_come_back(one, join):
    client = await join(one)
    first = client.id
    await client.ask("disconnect")
    left = await client.event("disconnected")
    await client.connect(one.sdk_url)
    await client.connected()

    assert left["code"] == 0
    assert client.id != first


async def test_without_a_token_it_is_nobody_and_may_do_what_nobody_may(one, two, open_client):
    client = await (await open_client()).connect(one.sdk_url)
    await client.connected()
    channel = new_channel("lobby")
    await client.subscribe(channel)
    await client.publish(channel, "from nobody")
    heard = await client.event("publication", channel)
    refused = await client.refused(new_channel())

    assert (heard["data"], heard["info"]["user"], heard["info"]["client"]) == ("from nobody", "", client.id)
    assert refused["code"] == 103
    assert client.id not in str(await two.api("presence", channel="chat:nobody"))


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda: "no.token.atall", id="malformed"),
        pytest.param(lambda: token("7")[:-8] + "AAAAAAAA", id="its signature is wrong"),
        pytest.param(lambda: token("7", channel="chat:x"), id="for a subscription"),
    ],
)
async def test_a_token_that_is_wrong_ends_it_for_good(one, open_client, wrong):
    client = await (await open_client()).connect(one.sdk_url, wrong())

    assert (await client.event("disconnected"))["code"] == 3500


async def test_an_expired_token_is_followed_by_the_next_one(one, open_client):
    user = new_user()
    client = await open_client()
    await client.connect(one.sdk_url, token(user, expires_in=-60), token(user))
    await client.connected()

    assert client.seen("disconnected") == []


async def test_a_token_for_a_namespace_that_is_not_there_is_refused(one, open_client):
    client = await (await open_client()).connect(one.sdk_url, token("7", channels=["nowhere:x"]))

    assert (await client.event("disconnected"))["code"] == 102


async def test_a_user_has_only_so_many_connections_on_all_nodes_together(one, two, join, open_client):
    user = new_user()
    for number in range(MOST_CONNECTIONS):
        await join((one, two)[number % 2], user)
    client = await (await open_client()).connect(one.sdk_url, token(user))

    assert (await client.event("disconnected"))["code"] == 3504


@pytest.mark.parametrize("call", ["publish", "presence"])
async def test_a_call_without_a_channel_breaks_the_protocol(one, join, call):
    client = await join(one)
    arguments = {"channel": ""} | ({"data": 1} if call == "publish" else {})
    with pytest.raises(SdkError):
        await client.ask(call, **arguments)

    assert (await client.event("disconnected"))["code"] == 3501


async def test_calls_that_nothing_takes_are_not_available(one, join):
    client = await join(one)
    with pytest.raises(SdkError) as refused:
        await client.ask("rpc", method="greet", data={})

    assert refused.value.code == 108


async def test_a_message_of_more_than_the_largest_size_is_too_big(one, join, sdk):
    client = await join(one)
    with pytest.raises(SdkError):
        await client.publish("lobby:big", "x" * 70_000)
    if sdk.transport:  # it is a post, which is refused by itself
        await client.subscribe(new_channel())
        assert client.seen("connecting") == client.seen("connecting")[:1]
    elif sdk.name == "javascript":
        assert (await client.event("disconnected"))["code"] == 3
    else:  # it comes back, and says why it was away
        assert (await client.event("connecting", reason="message size limit"))["code"]


async def test_who_comes_and_goes_in_a_hurry_leaves_nothing_behind(one, two, open_client):
    user, channel = new_user(), new_channel()
    client = await (await open_client()).connect(one.sdk_url, *[token(user)] * 50)
    await client.connected()
    await client.subscribe(channel)
    await client.ask("hurry", times=20, channel=channel)
    await client.ask("subscribe", channel=channel, tokens=(), states=())
    await until(lambda: is_present(two, channel, [client.id]))
    await client.ask("disconnect")
    await client.ask("hurry", times=10)
    await until(lambda: is_present(two, channel, []))
    client.events.clear()  # some of those connections came about
    await client.connect(one.sdk_url)
    await client.connected()

    await until(lambda: is_present(two, channel, [client.id]))
    assert client.seen("disconnected") == []


async def is_present(node, channel, clients) -> bool:
    return list((await node.api("presence", channel=channel))["presence"]) == clients
