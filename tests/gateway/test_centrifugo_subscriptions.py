"""Subscriptions in the Centrifugo protocol beyond recovery: made by the server, of the inbox, lost, and who sees whom."""

import pytest
import trio
from gateway.peers import NOTHING, serve_sdk_place, token
from gateway.shared_broker import SharedBroker
from trio.testing import wait_all_tasks_blocked

from trio_gateway.settings.namespaces import ChannelRules, InboxRules, Namespaces

OPEN = {"allow_subscribe_for_client": True, "allow_publish_for_client": True}
RULES = Namespaces(
    inbox=InboxRules(history_size=5),
    named={
        "open": ChannelRules(**OPEN),
        "log": ChannelRules(**OPEN, force_recovery=True, history_size=5),
        "kept": ChannelRules(force_recovery=True, history_size=5),
        "room": ChannelRules(
            **OPEN,
            presence=True,
            join_leave=True,
            force_push_join_leave=True,
            allow_presence_for_subscriber=True,
        ),
        "quiet": ChannelRules(**OPEN, presence=True, join_leave=True, allow_presence_for_subscriber=True),
        "objects": ChannelRules(**OPEN, publication_data_format="json_object"),
    },
)


@pytest.fixture
async def place():
    broker = SharedBroker(namespaces=RULES)
    async with serve_sdk_place(broker=broker, namespaces=RULES) as place:
        yield place


async def publish(place, channel, count):
    for _ in range(count):
        position = await place.broker.publish(channel, b"1")
    return position


def offsets(result):
    return [publication["offset"] for publication in result.get("publications", ())]


class TestServerSide:
    async def test_channels_of_the_token_and_the_inbox_are_there_with_the_connect(self, place):
        subs = {"kept:a": {"data": {"hello": 1}, "info": {"role": "x"}}, "open:b": {}}
        peer = await place.connect(claims={"subs": subs})
        given = peer.connected["subs"]
        await place.broker.publish("open:b", b"1")

        assert set(given) == {"#7", "kept:a", "open:b"}
        assert given["kept:a"]["data"] == {"hello": 1}
        assert (given["kept:a"]["recoverable"], given["#7"]["recoverable"], given["open:b"]) == (True, True, {})
        assert (await peer.push())["channel"] == "open:b"

    async def test_who_comes_back_recovers_in_the_connect_reply(self, place):
        position = await publish(place, "kept:a", 1)
        await publish(place, "kept:a", 2)
        where = {"recover": True, "offset": 1, "epoch": position.epoch}
        peer = await place.connect(claims={"channels": ["kept:a"]}, subs={"kept:a": where})
        await publish(place, "kept:a", 1)
        given = peer.connected["subs"]["kept:a"]

        assert (given["was_recovering"], given["recovered"], given["offset"]) == (True, True, 1)
        assert offsets(given) == [2, 3]
        assert await peer.publications(1) == [4]

    async def test_channels_asked_for_are_given_where_the_client_may_have_them_by_itself(self, place):
        position = await publish(place, "log:a", 2)
        where = {"recover": True, "offset": 1, "epoch": position.epoch}
        asked = dict.fromkeys(("log:a", "kept:a", "#8", "nowhere:a", "$log:b", "$:control", "a" * 300), where)
        peer = await place.connect(subs=asked | {"log:b": {}})

        assert set(peer.connected["subs"]) == {"#7", "log:a", "log:b"}
        assert offsets(peer.connected["subs"]["log:a"]) == [2]
        assert "was_recovering" not in peer.connected["subs"]["log:b"]

    async def test_a_channel_that_is_there_already_is_answered_105(self, place):
        peer = await place.connect(claims={"channels": ["open:a"]})

        assert await peer.refused("subscribe", channel="open:a") == 105
        assert await peer.refused("subscribe", channel="#7") == 105

    async def test_as_many_channels_as_a_client_may_have_are_taken_of_what_it_asks_for(self, autojump_clock):
        async with serve_sdk_place(namespaces=RULES, max_channels=3) as place:
            asked = {f"open:{number}": {} for number in range(5)}
            peer = await place.connect(claims={"channels": ["open:own"]}, subs=asked)
            await peer.do("unsubscribe", channel="open:0")

            assert set(peer.connected["subs"]) == {"#7", "open:own", "open:0", "open:1"}
            assert "subscribe" in await peer.ask("subscribe", channel="open:2")
            assert await peer.refused("subscribe", channel="open:3") == 106


class TestInsufficientState:
    """Publications of a positioned subscription are gone before they reached the client (§6.5)."""

    async def lose(self, place, channel):
        place.broker.deaf = True
        await publish(place, channel, 8)
        place.broker.deaf = False
        await publish(place, channel, 1)

    async def test_the_client_is_unsubscribed_to_subscribe_again(self, place):
        peer = await place.connect()
        await peer.do("subscribe", channel="log:a")
        await self.lose(place, "log:a")
        push = await peer.push()

        assert push == {"channel": "log:a", "unsubscribe": {"code": 2500, "reason": "insufficient state"}}
        again = await peer.do("subscribe", channel="log:a", recover=True)
        assert (again["was_recovering"], again.get("recovered"), again["offset"]) == (True, None, 9)
        await publish(place, "log:a", 1)
        assert await peer.publications(1) == [10]

    async def test_one_whose_subscription_the_server_made_connects_again(self, place):
        peer = await place.connect(claims={"channels": ["kept:a"]})
        await self.lose(place, "kept:a")

        assert (await peer.closed()).code == 3010

    async def test_without_a_position_what_is_kept_follows(self, place):
        peer = await place.connect()
        await peer.do("subscribe", channel="open:a")
        await self.lose(place, "open:a")

        assert len(await peer.publications(9)) == 9


class TestPresence:
    async def test_all_see_who_comes_and_goes_once_and_the_client_itself_first(self, place):
        peer = await place.connect(claims={"info": {"name": "Ann"}})
        await peer.do("subscribe", channel="room:a")
        seven = {"user": "7", "client": peer.connected["client"], "conn_info": {"name": "Ann"}}
        assert await peer.push() == {"channel": "room:a", "join": {"info": seven}}
        other = await place.connect("8", claims={"channels": ["room:a"]})
        eight = {"user": "8", "client": other.connected["client"]}

        for each in (peer, other):
            assert await each.push() == {"channel": "room:a", "join": {"info": eight}}
        assert (await peer.do("presence", channel="room:a"))["presence"] == {
            seven["client"]: seven,
            eight["client"]: eight,
        }
        await peer.do("unsubscribe", channel="room:a")
        assert await other.push() == {"channel": "room:a", "leave": {"info": seven}}
        assert await other.do("presence_stats", channel="room:a") == {"num_clients": 1, "num_users": 1}
        assert await peer.silent()
        assert await other.silent()

    async def test_who_disconnects_is_gone_at_once(self, place):
        peer, other = await place.connect(), await place.connect("8")
        await other.do("subscribe", channel="room:a")
        await peer.do("subscribe", channel="room:a")
        assert [next(iter(set(await other.push()) - {"channel"})) for _ in range(2)] == ["join", "join"]
        await peer.stream.aclose()

        assert (await other.push())["leave"]["info"]["user"] == "7"
        assert list((await other.do("presence", channel="room:a"))["presence"]) == [other.connected["client"]]

    async def test_passages_are_told_to_who_asks_for_them_where_not_all_are_told(self, place):
        asking, other = await place.connect(), await place.connect("8")
        await asking.do("subscribe", channel="quiet:a", join_leave=True)
        await other.do("subscribe", channel="quiet:a")

        assert [(await asking.push())["join"]["info"]["user"] for _ in range(2)] == ["7", "8"]
        assert await other.silent()

    async def test_a_client_that_stays_stays_in_the_presence(self, place, autojump_clock):
        peer, other = await place.connect(), await place.connect("8")
        await other.do("subscribe", channel="room:a")
        with trio.move_on_after(200):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(peer.closed)
                nursery.start_soon(other.closed)

        assert (await other.do("presence_stats", channel="room:a"))["num_clients"] == 1

    async def test_whose_info_is_too_large_to_show_is_refused_before_it_is_subscribed(self, place):
        info = "x" * 40_000
        peer = await place.connect(claims={"info": info})
        claims = token(channel="room:a", info=info)

        assert await peer.refused("subscribe", channel="room:a", token=claims) == 107
        assert place.left["members"] == {}
        assert "subscribe" in await peer.ask("subscribe", channel="room:a")

    async def test_a_client_of_the_plain_protocol_is_seen_in_its_inbox(self, autojump_clock):
        rules = Namespaces(inbox=InboxRules(presence=True, join_leave=True))
        async with serve_sdk_place(namespaces=rules) as place:
            sdk = await place.connect()
            plain = await place.dial(f"/ws?token={token()}")
            ids = [(await sdk.push())["join"]["info"]["client"] for _ in range(2)]
            assert ids == [sdk.connected["client"], plain.hello["client"]]
            await plain.stream.aclose()
            assert (await sdk.push())["leave"]["info"]["client"] == plain.hello["client"]
            await sdk.stream.aclose()
            await wait_all_tasks_blocked()

            assert place.left == NOTHING


class TestBothProtocols:
    async def test_each_hears_what_the_other_publishes(self, place):
        sdk = await place.connect(claims={"info": {"name": "Ann"}})
        plain = await place.dial(f"/ws?token={token('8')}")
        await sdk.do("subscribe", channel="open:a")
        await plain.ask(type="subscribe", channel="open:a")
        assert await sdk.do("publish", channel="open:a", data={"n": 1}) == {}
        message = await plain.receive()
        await plain.send(type="publish", channel="open:a", data={"n": 2})
        pushes = [await sdk.push() for _ in range(2)]

        assert (message["data"], message["from"], message["offset"]) == ({"n": 1}, "7", 1)
        seven = {"user": "7", "client": sdk.connected["client"], "conn_info": {"name": "Ann"}}
        eight = {"user": "8", "client": plain.hello["client"]}
        assert [push["pub"] for push in pushes] == [
            {"data": {"n": 1}, "info": seven, "offset": 1},
            {"data": {"n": 2}, "info": eight, "offset": 2},
        ]

    async def test_what_is_sent_to_an_inbox_arrives_at_all_clients_of_the_user(self, place):
        sdk, plain = await place.connect(), await place.dial(f"/ws?token={token()}")
        await (await place.dial(f"/ws?token={token('8')}")).ask(type="send", to="7", data="hi")

        assert (await sdk.push())["pub"]["data"] == "hi"
        assert (await plain.receive())["data"] == "hi"

    async def test_nothing_more_comes_once_the_client_has_unsubscribed(self, place):
        peer = await place.connect()
        await peer.do("subscribe", channel="open:a")
        assert await peer.do("unsubscribe", channel="open:a") == {}
        assert await peer.do("unsubscribe", channel="open:a") == {}
        await peer.do("publish", channel="open:a", data=1)

        assert await peer.silent()
