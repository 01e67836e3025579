"""Tokens expire, and the SDKs bring new ones in time; what happens where they don't.

A token's life is counted in whole seconds, so these tests last as long as theirs.
"""

from __future__ import annotations

import time

import pytest
import trio
from e2e.gateway_process import PATIENCE
from sdk.nodes import GRACE, new_channel, new_user, token

LIFE = 1
"""Seconds for which a token is good."""


@pytest.fixture
def channel():
    return new_channel("private", sign="$")


async def wait_past_grace(begun: float) -> None:
    """Wait until a token of that time would have ended what it was for; nothing tells that it did not."""
    await trio.sleep(begun + LIFE + GRACE + 0.5 - time.time())


async def test_a_connection_and_a_subscription_live_on_with_new_tokens(one, open_client, channel):
    user, begun = new_user(), time.time()
    client = await (await open_client()).connect(one.sdk_url, token(user, expires_in=LIFE), token(user))
    await client.connected()
    await client.subscribe(channel, token(user, channel=channel, expires_in=LIFE), token(user, channel=channel))
    await wait_past_grace(begun)
    await one.publish(channel, "still here")

    assert await client.publications(channel, 1) == ["still here"]
    assert len(client.seen("token")) == len(client.seen("token", channel)) == 2
    assert len(client.seen("connecting")) == len(client.seen("subscribing", channel)) == 1


async def test_a_connection_without_a_new_token_is_closed_and_made_anew(one, open_client):
    user = new_user()
    client = await open_client()
    await client.connect(one.sdk_url, token(user, expires_in=LIFE), None, token(user))
    await client.connected()
    await client.event("connecting", code=3005)
    await client.connected()


async def test_a_subscription_without_a_new_token_ends_and_is_made_anew(one, join, channel):
    user = new_user()
    client = await join(one, user)
    await client.subscribe(channel, token(user, channel=channel, expires_in=LIFE), None, token(user, channel=channel))
    await client.event("subscribing", channel, code=2501)
    await client.event("subscribed", channel)

    assert client.seen("disconnected") == []
    assert len(client.seen("connecting")) == 1


async def test_a_client_that_gets_no_token_any_more_leaves_by_itself(one, open_client):
    client = await open_client()
    await client.connect(one.sdk_url, token(new_user(), expires_in=LIFE))
    await client.connected()

    assert (await client.event("disconnected"))["code"] == 1


async def test_an_expired_subscription_token_is_followed_by_the_next_one(one, join, channel):
    user = new_user()
    client = await join(one, user)
    expired = token(user, channel=channel, expires_in=-60)

    assert await client.subscribe(channel, expired, token(user, channel=channel))


async def test_a_subscription_token_opens_what_no_rule_does_and_says_what_its_back_end_knows(one, two, join, channel):
    user = new_user()
    client, other = await join(one, user), await join(two, "another")
    subscribed = await client.subscribe(channel, token(user, channel=channel, data={"topic": "x"}, info={"of": "it"}))
    present = await one.api("presence", channel=channel)
    refused = await other.refused(channel)

    assert subscribed["data"] == {"topic": "x"}
    assert present["presence"] == {client.id: {"client": client.id, "user": user, "chan_info": {"of": "it"}}}
    assert refused["code"] == 103


async def test_a_subscription_token_with_a_wrong_signature_is_refused(one, join, channel):
    user = new_user()
    client = await join(one, user)

    assert (await client.refused(channel, token(user, channel=channel)[:-8] + "AAAAAAAA"))["code"] == 103
    assert client.seen("disconnected") == []


@pytest.mark.parametrize("wrong", [{"channel": "$private:another"}, {"sub": "another"}], ids=["channel", "user"])
async def test_a_subscription_token_for_something_else_ends_the_connection(one, join, channel, wrong):
    user = new_user()
    client = await join(one, user)
    claims = {"channel": channel, "sub": user} | wrong
    await client.ask("subscribe", channel=channel, tokens=[token(claims.pop("sub"), **claims)], states=())

    assert (await client.event("disconnected"))["code"] == 3500


async def test_a_new_token_with_other_channels_makes_the_client_connect_again(one, open_client):
    user, first, second = new_user(), new_channel(), new_channel()
    client = await open_client()
    new = token(user, channels=[second])
    await client.connect(one.sdk_url, token(user, expires_in=LIFE, channels=[first]), new, new)
    await client.connected()
    with trio.fail_after(PATIENCE):
        await client.event("connecting", code=3010)
    await client.event("subscribed", second)
