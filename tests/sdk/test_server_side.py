"""What the server's side does with an SDK's client: by its token, by its inbox, and by the HTTP API of any node."""

from __future__ import annotations

import pytest
from sdk.driving import SdkError
from sdk.nodes import new_channel, new_user, token


async def test_a_token_subscribes_its_client(one, two, join):
    channel, user = new_channel("private"), new_user()
    client = await join(one, user, subs={channel: {"data": {"for": "you"}, "info": {"by": "token"}}})
    subscribed = await client.event("subscribed", channel)
    await two.publish(channel, "hi")
    heard = await client.event("publication", channel)
    present = await two.api("presence", channel=channel)

    assert subscribed["data"] == {"for": "you"}
    assert heard["data"] == "hi"
    assert present["presence"][client.id]["chan_info"] == {"by": "token"}


async def test_a_client_is_told_who_comes_to_a_channel_that_its_token_gave_it(one, two, join):
    channel = new_channel()
    client = await join(one, channels=[channel])
    own = await client.event("join", channel)
    guest = await join(two)
    await guest.subscribe(channel)
    came = await client.event("join", channel)
    await guest.close()
    went = await client.event("leave", channel)

    assert own["info"]["client"] == client.id
    assert came["info"]["client"] == went["info"]["client"] == guest.id


async def test_every_user_has_an_inbox(one, two, join):
    user = new_user()
    client = await join(one, user)
    subscribed = await client.event("subscribed", f"#{user}")
    await two.publish(f"#{user}", "for you")
    heard = await client.event("publication", f"#{user}")
    kept = await client.history(f"#{user}", 10)
    present = await client.ask("presence", channel=f"#{user}")

    assert (subscribed["recoverable"], subscribed["positioned"]) == (True, True)
    assert (heard["data"], heard["offset"]) == ("for you", 1)
    assert [each["data"] for each in kept["publications"]] == ["for you"]
    assert list(present) == [client.id]


async def test_a_device_gets_again_what_it_did_not_acknowledge(one, join):
    user, phone = new_user(), {"device": "phone"}
    client = await join(one, user, data=phone)
    await one.publish(f"#{user}", *"abcd")
    assert await client.publications(f"#{user}", 4) == list("abcd")
    await client.ask("rpc", method="ack", data={"offset": 2})
    await client.close()
    await one.publish(f"#{user}", "e")
    again = await join(one, user, data=phone)
    subscribed = await again.event("subscribed", f"#{user}")

    assert await again.publications(f"#{user}", 3) == list("cde")
    assert (subscribed["was_recovering"], subscribed["recovered"]) == (True, True)


async def test_only_a_device_acknowledges_and_only_what_it_was_sent(one, join):
    user = new_user()
    nameless, device = await join(one, user), await join(one, user, data={"device": "phone"})
    with pytest.raises(SdkError) as unavailable:
        await nameless.ask("rpc", method="ack", data={"offset": 0})
    with pytest.raises(SdkError) as too_far:
        await device.ask("rpc", method="ack", data={"offset": 5})

    assert (unavailable.value.code, too_far.value.code) == (108, 107)


async def test_the_api_subscribes_and_unsubscribes_a_user_on_all_nodes(one, two, join):
    channel, user = new_channel("private"), new_user()
    here, there = await join(one, user), await join(two, user)
    await one.api("subscribe", user=user, channel=channel, data={"from": "back end"})
    told = [await client.event("subscribed", channel) for client in (here, there)]
    await one.publish(channel, "to both")
    heard = [await client.publications(channel, 1) for client in (here, there)]
    await two.api("unsubscribe", user=user, channel=channel)
    for client in (here, there):
        await client.event("unsubscribed", channel)

    assert [each["data"] for each in told] == [{"from": "back end"}] * 2
    assert heard == [["to both"]] * 2
    assert (await one.api("presence_stats", channel=channel))["num_clients"] == 0


async def test_the_api_unsubscribes_a_client_that_subscribed_by_itself(one, two, join):
    channel, user = new_channel(), new_user()
    client = await join(one, user)
    await client.subscribe(channel)
    await two.api("unsubscribe", user=user, channel=channel)

    assert (await client.event("unsubscribed", channel))["code"] == 2000


@pytest.mark.parametrize(
    ("said", "code"),
    [({}, 3503), ({"disconnect": {"code": 4567, "reason": "go away"}}, 4567)],
    ids=["as it is", "its own code"],
)
async def test_the_api_disconnects_a_user_for_good(one, two, join, said, code):
    user = new_user()
    here, there, other = await join(one, user), await join(two, user), await join(one)
    await two.api("disconnect", user=user, **said)
    codes = [(await client.event("disconnected"))["code"] for client in (here, there)]

    assert codes == [code, code]
    assert other.seen("disconnected") == []


async def test_the_api_disconnects_one_client_alone(one, two, join):
    user = new_user()
    here, there, again = await join(one, user), await join(two, user), await join(two, user)
    await one.api("disconnect", user=user, client=there.id)
    await there.event("disconnected", code=3503)
    await one.api("disconnect", user=user, whitelist=[here.id])
    await again.event("disconnected", code=3503)
    await one.publish(f"#{user}", "still here")

    assert await here.publications(f"#{user}", 1) == ["still here"]


async def test_the_api_lets_a_user_reconnect(one, two, open_client):
    user = new_user()
    client = await (await open_client()).connect(one.sdk_url, token(user), token(user))
    await client.connected()
    await two.api("disconnect", user=user, disconnect={"code": 3011, "reason": "come back"})
    await client.event("connecting", code=3011, reason="come back")
    await client.connected()


async def test_the_api_says_that_a_connection_is_expired(one, two, open_client):
    user = new_user()
    client = await (await open_client()).connect(one.sdk_url, token(user), token(user))
    await client.connected()
    await two.api("refresh", user=user, expired=True)
    await client.event("connecting", code=3005)
    await client.connected()


async def test_a_blocked_user_is_out_and_stays_out_on_all_nodes(one, two, join, open_client):
    user = new_user()
    here, there = await join(one, user), await join(two, user)
    await one.api("block_user", user=user, seconds=60)
    codes = [(await client.event("disconnected"))["code"] for client in (here, there)]
    for node in (one, two):
        client = await (await open_client()).connect(node.sdk_url, token(user))
        codes.append((await client.event("disconnected"))["code"])
    await two.api("unblock_user", user=user)

    assert codes == [3503, 3503, 3507, 3507]
    assert await join(one, user)
    assert await join(two, user)


async def test_a_revoked_token_is_worth_nothing(one, two, open_client):
    user = new_user()
    await one.api("revoke_token", id=f"token of {user}", seconds=60)
    client = await (await open_client()).connect(two.sdk_url, token(user, jti=f"token of {user}"))

    assert (await client.event("disconnected"))["code"] == 3500
