"""An SDK's client subscribes, publishes, reads what a channel keeps, and sees who is there, across two gateways."""

from __future__ import annotations

import pytest
from sdk.driving import SdkError
from sdk.nodes import MOST_CHANNELS, new_channel, new_user, token


async def test_a_publication_says_who_published_it(one, two, join):
    channel, user = new_channel(), new_user()
    alice = await join(one, user, info={"name": "Alice"})
    await alice.subscribe(channel, token(user, channel=channel, info={"role": "host"}))
    bob = await join(two)
    await bob.subscribe(channel)
    await alice.publish(channel, {"text": "hi"})
    heard, own = await bob.event("publication", channel), await alice.event("publication", channel)

    sender = {"user": user, "client": alice.id, "conn_info": {"name": "Alice"}, "chan_info": {"role": "host"}}
    assert (heard["data"], heard["offset"], heard["info"]) == ({"text": "hi"}, 1, sender)
    assert own == heard


async def test_a_publication_of_a_back_end_has_its_tags_and_no_sender(one, two, join):
    channel = new_channel()
    client = await join(one)
    await client.subscribe(channel)
    await two.api("publish", channel=channel, data=None, tags={"kind": "nothing"})
    await two.api("publish", channel=channel, data="kept by nobody", skip_history=True)
    heard, other = await client.event("publication", channel), await client.event("publication", channel)

    assert (heard["data"], heard["tags"], heard.get("info")) == (None, {"kind": "nothing"}, None)
    assert (other["data"], other.get("offset") or 0) == ("kept by nobody", 0)


@pytest.mark.parametrize("data", [0, "", [], {}, "ünïcödé \u2028 \x00 😀", 2**53, 1.5, [[{"a": None}]]], ids=repr)
async def test_any_json_passes_unchanged(one, two, join, data):
    channel = new_channel()
    client, other = await join(one), await join(two)
    await client.subscribe(channel)
    await other.subscribe(channel)
    await client.publish(channel, data)
    heard = await other.publications(channel, 1)
    kept = await client.history(channel, 1)

    assert (heard, [each["data"] for each in kept["publications"]]) == ([data], [data])


async def test_what_is_published_fast_arrives_in_order(one, two, join):
    channel = new_channel()
    client, other = await join(one), await join(two)
    await client.subscribe(channel)
    await other.subscribe(channel)
    for number in range(200):
        await client.publish(channel, number)

    assert await other.publications(channel, 200) == await client.publications(channel, 200) == list(range(200))


async def test_the_history_is_read_from_either_end_and_from_a_position(one, two, join):
    channel = new_channel()
    client = await join(one)
    await client.subscribe(channel)
    await two.publish(channel, *"abcde")

    async def read(limit, **how):
        return [each["data"] for each in (await client.history(channel, limit, **how))["publications"]]

    here = await client.history(channel)
    since = {"offset": 3, "epoch": here["epoch"]}
    assert (here["offset"], here["publications"]) == (5, [])
    assert await read(-1) == list("abcde")
    assert await read(2) == list("ab")
    assert await read(2, reverse=True) == list("ed")
    assert await read(-1, since=since) == list("de")
    assert await read(-1, since=since, reverse=True) == list("ba")
    with pytest.raises(SdkError) as gone:
        await read(1, since={"offset": 3, "epoch": "another"})
    assert gone.value.code == 112


async def test_presence_shows_who_is_there_on_both_nodes_until_they_leave(one, two, join):
    channel, user = new_channel(), new_user()
    here, there, again = await join(one, info=["here"]), await join(two, user), await join(two, user)
    for client in (here, there, again):
        await client.subscribe(channel)
    present = await here.ask("presence", channel=channel)
    counted = await there.ask("presence_stats", channel=channel)
    await again.close()
    await here.event("leave", channel)
    await there.ask("unsubscribe", channel=channel)
    await here.event("leave", channel)
    alone = await here.ask("presence_stats", channel=channel)

    assert {id: info["user"] for id, info in present.items() if info["user"] == user} == dict.fromkeys(
        (there.id, again.id), user
    )
    assert present[here.id]["conn_info"] == ["here"]
    assert counted == {"num_clients": 3, "num_users": 2}
    assert alone == {"num_clients": 1, "num_users": 1}


async def test_all_are_told_who_comes_and_goes(one, two, join):
    channel = new_channel()
    watcher, guest = await join(one), await join(two, info="guest")
    await watcher.subscribe(channel)
    own = await watcher.event("join", channel)
    await guest.subscribe(channel)
    came = await watcher.event("join", channel)
    await guest.ask("unsubscribe", channel=channel)
    went = await watcher.event("leave", channel)

    assert own["info"]["client"] == watcher.id
    assert (came["info"]["client"], came["info"]["conn_info"]) == (guest.id, "guest")
    assert went["info"] == came["info"]


async def test_only_who_asks_for_it_is_told_where_that_is_the_rule(one, two, join):
    channel = new_channel("wished")
    watcher, other, guest = await join(one), await join(one), await join(two)
    await watcher.subscribe(channel, join_leave=True)
    await other.subscribe(channel)
    await guest.subscribe(channel)
    came = {(await watcher.event("join", channel))["info"]["client"] for _ in range(3)}
    await other.ask("presence", channel=channel)

    assert came == {watcher.id, other.id, guest.id}
    assert other.seen("join", channel) == []


async def test_recovery_and_positions_are_there_for_who_asks_where_that_is_the_rule(one, join):
    channel = new_channel("wished")
    plain = await (await join(one)).subscribe(channel)
    positioned = await (await join(one)).subscribe(channel, positioned=True)
    recoverable = await (await join(one)).subscribe(channel, recoverable=True)

    assert [(each["positioned"], each["recoverable"]) for each in (plain, positioned, recoverable)] == [
        (False, False),
        (True, False),
        (True, True),
    ]


async def test_after_an_unsubscribe_nothing_comes(one, join):
    channel, other = new_channel(), new_channel()
    client = await join(one)
    await client.subscribe(channel)
    await client.subscribe(other)
    await client.ask("unsubscribe", channel=channel)
    await one.publish(channel, "too late")
    await one.publish(other, "a fence")
    await client.event("publication", other)

    assert client.seen("publication", channel) == []
    assert (await client.subscribe(channel))["channel"] == channel


@pytest.mark.parametrize(
    ("channel", "code"),
    [
        pytest.param("nowhere:x", 102, id="no such namespace"),
        pytest.param("news", 103, id="not open to clients"),
        pytest.param("private:x", 103, id="only with a token"),
        pytest.param("$chat:x", 103, id="private by its sign"),
        pytest.param("#7", 103, id="another's inbox"),
        pytest.param("between:7#8,9", 103, id="for other users"),
        pytest.param("objects:UPPER", 107, id="not of the namespace's form"),
        pytest.param("chat:" + "x" * 300, 107, id="too long"),
        pytest.param("chat:ü", 107, id="not ASCII"),
    ],
)
async def test_a_subscription_is_refused(one, join, channel, code):
    client = await join(one)

    assert (await client.refused(channel))["code"] == code
    assert client.seen("disconnected") == []


async def test_a_client_has_only_so_many_channels(one, join):
    client = await join(one)
    for _ in range(MOST_CHANNELS):
        await client.subscribe(new_channel())

    assert (await client.refused(new_channel()))["code"] == 106


async def test_a_channel_that_the_server_subscribed_it_to_is_had_already(one, join):
    channel = new_channel()
    client = await join(one, channels=[channel])

    assert (await client.refused(channel))["code"] == 105


async def test_a_channel_between_users_is_open_to_them_alone(one, two, join):
    channel = f"{new_channel('between')}#7,8"
    seven, eight = await join(one, "7"), await join(two, "8")
    await seven.subscribe(channel)
    await eight.subscribe(channel)
    await one.publish(channel, "between you two")

    assert await seven.publications(channel, 1) == await eight.publications(channel, 1) == ["between you two"]


@pytest.mark.parametrize(
    ("call", "arguments", "code"),
    [
        pytest.param("publish", {"channel": "private:x", "data": 1}, 103, id="publish: not permitted"),
        pytest.param("publish", {"channel": "chat:x", "data": 1}, 103, id="publish: for subscribers"),
        pytest.param("publish", {"channel": "nowhere:x", "data": 1}, 102, id="publish: no such namespace"),
        pytest.param("publish", {"channel": "objects:x", "data": [1]}, 107, id="publish: not of the form"),
        pytest.param("presence", {"channel": "chat:x"}, 103, id="presence: for subscribers"),
        pytest.param("presence", {"channel": "lobby:x"}, 108, id="presence: there is none"),
        pytest.param("presence_stats", {"channel": "lobby:x"}, 108, id="presence_stats: there is none"),
        pytest.param("history", {"channel": "chat:x", "limit": 1}, 103, id="history: for subscribers"),
        pytest.param("history", {"channel": "lobby:x", "limit": 1}, 108, id="history: there is none"),
    ],
)
async def test_a_call_is_refused(one, join, call, arguments, code):
    client = await join(one)
    more = {"since": None, "reverse": False} if call == "history" else {}
    with pytest.raises(SdkError) as refused:
        await client.ask(call, **arguments, **more)

    assert refused.value.code == code
    assert client.seen("disconnected") == []
