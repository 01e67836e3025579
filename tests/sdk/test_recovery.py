"""Links break and gateways die; an SDK's client comes back and has everything, once and in order, or is told that it has not."""

from __future__ import annotations

import pytest
import trio
from sdk.nodes import MOST_CONNECTIONS, new_channel, new_user, token


async def lost(client) -> None:
    """Wait until the client knows that its link is gone."""
    await client.event("connecting", reason="transport closed")


def recovery(subscribed) -> tuple[bool, bool]:
    return subscribed["was_recovering"], subscribed["recovered"]


@pytest.fixture
def user():
    return new_user()


@pytest.fixture
async def client(proxy, open_client, user):
    """Give a client behind the proxy, which has a token for every time that it comes back."""
    client = await (await open_client()).connect(proxy.sdk_url, *[token(user)] * 50)
    return await client.connected()


async def test_what_was_published_while_the_link_was_down_is_recovered(one, two, proxy, client, user):
    """In a channel that the client subscribed to, and in its inbox, which the server did."""
    channel, inbox = new_channel(), f"#{user}"
    first = await client.subscribe(channel)
    await client.event("subscribed", inbox)
    await two.publish(channel, 1)
    await two.publish(inbox, "a")
    assert (await client.publications(channel, 1), await client.publications(inbox, 1)) == ([1], ["a"])
    proxy.cut()
    await lost(client)
    await two.publish(channel, 2, 3)
    await one.publish(inbox, "b", "c")
    proxy.mend()
    await client.connected()
    await two.publish(channel, 4)
    await two.publish(inbox, "d")
    again, again_inbox = await client.event("subscribed", channel), await client.event("subscribed", inbox)

    assert await client.publications(channel, 3) == [2, 3, 4]
    assert await client.publications(inbox, 3) == ["b", "c", "d"]
    assert recovery(first) == (False, False)
    assert recovery(again) == recovery(again_inbox) == (True, True)


async def test_it_comes_back_again_and_again_and_misses_nothing(two, proxy, client, nursery):
    channel = new_channel()
    await client.subscribe(channel)
    published, done = [], trio.Event()

    async def publish() -> None:
        while not done.is_set():
            published.append(len(published))
            await two.publish(channel, published[-1])

    nursery.start_soon(publish)
    for _ in range(5):
        proxy.cut()
        await client.event("connecting")
        proxy.mend()
        assert recovery(await client.event("subscribed", channel)) == (True, True)
    done.set()

    assert await client.publications(channel, len(published)) == published


@pytest.mark.parametrize("how", ["killed", "stopped"])
async def test_a_gateway_that_comes_back_has_missed_nothing(one, two, open_client, user, how):
    """Another node publishes meanwhile."""
    channel, inbox = new_channel(), f"#{user}"
    client = await (await open_client()).connect(one.sdk_url, *[token(user)] * 50)
    await client.connected()
    await client.subscribe(channel)
    await client.event("subscribed", inbox)
    await one.publish(channel, "before")
    assert await client.publications(channel, 1) == ["before"]
    if how == "killed":
        one.kill()
        await lost(client)
    else:
        assert await one.stop() == 0
        await client.event("connecting", code=3001)
    await two.publish(channel, "meanwhile")
    await two.publish(inbox, "meanwhile")
    await one.start()
    await client.connected()
    await one.publish(channel, "after")

    assert await client.publications(channel, 2) == ["meanwhile", "after"]
    assert await client.publications(inbox, 1) == ["meanwhile"]
    assert recovery(await client.event("subscribed", channel)) == (True, True)


async def test_who_is_on_a_killed_gateway_is_present_again_when_it_is_back(one, two, open_client, user):
    channel = new_channel()
    client = await (await open_client()).connect(one.sdk_url, *[token(user)] * 50)
    await client.connected()
    await client.subscribe(channel)
    one.kill()
    await one.start()
    await client.connected()
    await client.event("subscribed", channel)
    await client.event("join", channel)
    present = await two.api("presence", channel=channel)

    assert client.id in present["presence"]


async def test_a_killed_gateway_takes_no_place_of_a_user_with_it(one, open_client, user):
    """A user who has as many connections as may be gets all of them back."""
    clients = [await open_client() for _ in range(MOST_CONNECTIONS)]
    for client in clients:
        await client.connect(one.sdk_url, *[token(user)] * 50)
        await client.connected()
    one.kill()
    await one.start()
    for client in clients:
        await client.connected()
    excess = await (await open_client()).connect(one.sdk_url, token(user))

    assert (await excess.event("disconnected"))["code"] == 3504


async def test_what_a_short_history_has_lost_is_told(two, proxy, client):
    channel = new_channel("short")
    await client.subscribe(channel)
    await two.publish(channel, 1)
    assert await client.publications(channel, 1) == [1]
    proxy.cut()
    await lost(client)
    await two.publish(channel, *range(2, 7))
    proxy.mend()
    again = await client.event("subscribed", channel)
    await two.publish(channel, 7)

    assert recovery(again) == (True, False)
    assert await client.publications(channel, 1) == [7]


async def test_an_application_that_reads_its_state_itself_does_so_again_when_its_position_is_gone(two, proxy, client):
    channel = new_channel("short")
    await two.publish(channel, 1, 2)
    begin = await two.api("history", channel=channel)
    states = [{"offset": offset, "epoch": begin["epoch"]} for offset in (1, 6)]
    first = await client.subscribe(channel, states=states)
    assert await client.publications(channel, 1) == [2]
    proxy.cut()
    await lost(client)
    await two.publish(channel, *range(3, 8))
    proxy.mend()
    again = await client.event("subscribed", channel)

    assert await client.publications(channel, 1) == [7]
    assert len(client.seen("state", channel)) == 2
    assert recovery(first) == recovery(again) == (True, True)


async def test_who_subscribes_again_recovers_what_was_published_in_between(two, client):
    channel = new_channel()
    await client.subscribe(channel)
    await client.ask("unsubscribe", channel=channel)
    await two.publish(channel, 1, 2)
    again = await client.subscribe(channel)

    assert recovery(again) == (True, True)
    assert await client.publications(channel, 2) == [1, 2]


async def test_a_channel_of_the_token_is_recovered_as_well(two, proxy, open_client, user):
    channel = new_channel()
    client = await (await open_client()).connect(proxy.sdk_url, *[token(user, channels=[channel])] * 50)
    await client.event("subscribed", channel)
    proxy.cut()
    await lost(client)
    await two.publish(channel, 1, 2)
    proxy.mend()
    again = await client.event("subscribed", channel)

    assert await client.publications(channel, 2) == [1, 2]
    assert recovery(again) == (True, True)


async def test_there_is_no_limit_to_what_is_recovered_but_the_history(two, proxy, client):
    """Three hundred come in the answer, the others behind it."""
    channel, missed = new_channel(), 1000
    await client.subscribe(channel)
    proxy.cut()
    await lost(client)
    await two.publish(channel, *range(missed))
    proxy.mend()
    again = await client.event("subscribed", channel)
    await two.publish(channel, missed)

    assert recovery(again) == (True, True)
    assert await client.publications(channel, missed + 1) == list(range(missed + 1))


async def test_what_a_back_end_removed_is_told(two, proxy, client):
    channel = new_channel()
    await client.subscribe(channel)
    proxy.cut()
    await lost(client)
    await two.publish(channel, "gone before it was seen")
    await two.api("history_remove", channel=channel)
    proxy.mend()
    again = await client.event("subscribed", channel)
    await two.publish(channel, "after")

    assert recovery(again) == (True, False)
    assert await client.publications(channel, 1) == ["after"]


async def test_a_channel_that_the_api_gave_a_client_is_gone_when_it_comes_back(one, two, proxy, client, user):
    """Unless it could subscribe to it by itself."""
    closed, open_ = new_channel("private"), new_channel()
    for channel in (closed, open_):
        await two.api("subscribe", user=user, channel=channel)
        await client.event("subscribed", channel)
    proxy.cut()
    await lost(client)
    await two.publish(open_, "meanwhile")
    proxy.mend()
    await client.event("unsubscribed", closed)
    again = await client.event("subscribed", open_)

    assert recovery(again) == (True, True)
    assert await client.publications(open_, 1) == ["meanwhile"]
