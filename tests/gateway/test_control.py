"""What one node has all nodes do reaches the clients of each, once, and is not lost with a hint."""

from contextlib import asynccontextmanager

import msgspec
import pytest
import trio
from captured_logs import capture_logs
from gateway.peers import NAMESPACES, serve_sdk_place
from gateway.shared_broker import SharedBroker
from msgspec import Raw
from trio.testing import wait_all_tasks_blocked

from trio_gateway.model.channel import CONTROL_CHANNEL
from trio_gateway.model.directives import DisconnectUser, Override, SubscribeUser, UnsubscribeUser
from trio_gateway.model.errors import BrokerUnavailable
from trio_gateway.settings.namespaces import ChannelRules, Namespaces


@asynccontextmanager
async def two_nodes(namespaces=NAMESPACES, **settings):
    settings |= {"namespaces": namespaces}
    broker = SharedBroker(namespaces=namespaces)
    async with (
        serve_sdk_place(broker=broker, **settings) as here,
        serve_sdk_place(broker=SharedBroker(broker, namespaces=namespaces), **settings) as there,
    ):
        yield here, there


@pytest.fixture
async def places():
    async with two_nodes() as places:
        yield places


async def test_all_clients_of_a_user_are_subscribed_on_whatever_node_and_nobody_else(places):
    here, there = places
    clients = [await here.connect(), await there.connect(), await there.connect()]
    other = await there.connect("8")
    await here.node.control.tell(SubscribeUser(user="7", channel="open:a", data=Raw(b'{"n":1}')))
    for client in clients:
        assert await client.push() == {"channel": "open:a", "subscribe": {"data": {"n": 1}}}
    await here.broker.publish("open:a", b"1")

    for client in clients:
        assert (await client.push())["pub"]["data"] == 1
    assert await other.silent()


async def test_what_is_told_of_the_client_and_what_it_may_come_with_the_directive(places):
    here, there = places
    client = await there.connect()
    override = Override(presence=True, force_recovery=True)
    told = SubscribeUser(user="7", channel="open:a", info=Raw(b'{"role":1}'), override=override)
    await here.node.control.tell(told)
    push = await client.push()
    await wait_all_tasks_blocked()
    (member,) = (await here.broker.presence("open:a")).values()

    assert (push["subscribe"]["recoverable"], push["subscribe"]["positioned"]) == (True, True)
    assert msgspec.json.decode(member.info)["chan_info"] == {"role": 1}


async def test_a_position_brings_what_came_after_it(places):
    here, there = places
    client = await there.connect()
    positions = [await here.broker.publish("open:a", b"1") for _ in range(3)]
    override = Override(force_recovery=True)
    await here.node.control.tell(SubscribeUser(user="7", channel="open:a", since=str(positions[0]), override=override))

    assert (await client.push())["subscribe"]["offset"] == 1
    assert await client.publications(2) == [2, 3]


@pytest.mark.parametrize("at", [0, 1])
async def test_what_was_removed_comes_to_nobody_who_comes_back_at_whatever_node(at):
    """A node may still have it in memory, for others who are subscribed."""
    kept = ChannelRules(history_size=10, history_ttl=300, allow_subscribe_for_client=True, force_recovery=True)
    async with two_nodes(namespaces=Namespaces(named={"kept": kept})) as places:
        here = places[0]
        for listener in [await place.connect("8") for place in places for _ in range(3)]:
            await listener.do("subscribe", channel="kept:a")
        client = await places[at].connect()
        begun = await client.do("subscribe", channel="kept:a")
        await client.do("unsubscribe", channel="kept:a")
        await here.broker.publish("kept:a", b'"secret"')
        await wait_all_tasks_blocked()
        await here.broker.remove_history("kept:a")
        await here.node.control.forget("kept:a")
        await wait_all_tasks_blocked()
        answer = await client.do("subscribe", channel="kept:a", recover=True, epoch=begun["epoch"])

    assert "secret" not in str(answer)
    assert (answer["was_recovering"], answer.get("recovered", False)) == (True, False)


async def test_one_client_alone_can_be_meant(places):
    here, there = places
    first, second = await here.connect(), await there.connect()
    await here.node.control.tell(SubscribeUser(user="7", client=second.connected["client"], channel="open:a"))

    assert "subscribe" in await second.push()
    assert await first.silent()


async def test_who_has_the_channel_already_notices_nothing(places):
    here, there = places
    client = await there.connect()
    await client.do("subscribe", channel="open:a")
    await here.node.control.tell(SubscribeUser(user="7", channel="open:a"))

    assert await client.silent()


async def test_one_channel_too_many_ends_the_connection(autojump_clock):
    async with two_nodes(max_channels=1) as (here, there):
        client = await there.connect(claims={"channels": ["open:a"]})
        await here.node.control.tell(SubscribeUser(user="7", channel="open:b"))

        assert (await client.closed()).code == 3505


@pytest.mark.parametrize("channel", ["nowhere:a", "#8", "$:control", ""])
async def test_a_channel_that_nobody_can_have_changes_nothing(places, channel):
    here, there = places
    client = await there.connect()
    await here.node.control.tell(SubscribeUser(user="7", channel=channel, since="nonsense"))

    assert await client.silent()
    assert "subscribe" in await client.ask("subscribe", channel="open:a")


async def test_a_user_is_unsubscribed_from_one_channel_or_from_all_but_the_inbox(places):
    here, there = places
    client = await there.connect(claims={"channels": ["open:a"]})
    for channel in ("open:b", "open:c"):
        await client.do("subscribe", channel=channel)
    await here.node.control.tell(UnsubscribeUser(user="7", channel="open:b"))
    ended = {"code": 2000, "reason": "server unsubscribe"}
    assert await client.push() == {"channel": "open:b", "unsubscribe": ended}
    await here.node.control.tell(UnsubscribeUser(user="7", channel=""))
    assert {(await client.push())["channel"] for _ in range(2)} == {"open:a", "open:c"}
    await here.broker.publish("#7", b"1")

    assert (await client.push())["channel"] == "#7"
    assert "subscribe" in await client.ask("subscribe", channel="open:a")


async def test_all_but_some_clients_of_a_user_are_disconnected(places):
    here, there = places
    first, second, kept = await here.connect(), await there.connect(), await there.connect()
    keep = (kept.connected["client"],)
    await here.node.control.tell(DisconnectUser(user="7", code=4321, reason="enough", keep=keep))

    for client in (first, second):
        closed = await client.closed()
        assert (closed.code, closed.reason) == (4321, "enough")
    assert await kept.silent()


async def test_without_a_user_the_anonymous_are_meant(places):
    here, there = places
    nobody, somebody = await there.connect(""), await there.connect()
    await here.node.control.tell(DisconnectUser(user="", code=3503, reason=""))

    assert (await nobody.closed()).code == 3503
    assert await somebody.silent()


async def test_a_lost_hint_loses_no_directive(places, autojump_clock):
    here, there = places
    client = await there.connect()
    there.broker.deaf = True
    await here.node.control.tell(DisconnectUser(user="7", code=3503, reason=""))
    there.broker.deaf = False
    assert await client.silent()

    assert (await client.closed()).code == 3503  # at the next look into the store, if nothing is said before


async def test_what_is_kept_behind_a_hole_is_carried_out_and_the_marks_are_read_again(places, autojump_clock):
    here, there = places
    client, banned = await there.connect(), await there.connect("8")
    there.broker.deaf = True
    await here.node.control.block_user("8", 60)
    here.broker.forget(CONTROL_CHANNEL)
    await here.node.control.tell(SubscribeUser(user="7", channel="open:a"))
    there.broker.deaf = False
    await here.node.control.tell(SubscribeUser(user="7", channel="open:b"))

    assert [(await client.push())["channel"] for _ in range(2)] == ["open:a", "open:b"]
    assert (await banned.closed()).code == 3503


@pytest.mark.parametrize(
    "garbage",
    [
        b"[]",
        b'{"do":"dance"}',
        b'{"do":"subscribe"}',
        b'{"do":"subscribe","user":7,"channel":"a"}',
        b'{"do":"disconnect","user":"7","code":"x"}',
        b'{"do":"disconnect","user":"7","code":70000,"reason":""}',
        b'{"do":"disconnect","user":"7","code":1005,"reason":""}',
        b'{"do":"refresh","user":"7","expire_at":1' + b"0" * 400 + b"}",
        b'{"do":"subscribe","user":"7","channel":"open:b","expire_at":1' + b"0" * 400 + b"}",
        b'{"do":"subscribe","user":"7","channel":"open:b","since":"nonsense"}',
        b'{"do":"keep_out","name":"user:7","mark":"[1]"}',
        b'{"do":"keep_out","name":"user:7","mark":"nonsense"}',
        b'{"do":"survey","id":"1","asker":"x","channels":"["}',
        b'{"do":"survey","id":"1","asker":"\\u0001"}',
        b'{"do":"survey","id":"1","asker":"x","x":' + b"[" * 900 + b"]" * 900 + b"}",
        b"1\n",
    ],
)
async def test_what_no_node_understands_harms_nobody(places, garbage):
    here, there = places
    client = await there.connect()
    await here.broker.publish(CONTROL_CHANNEL, garbage)
    await here.node.control.tell(SubscribeUser(user="7", channel="open:a"))

    assert "subscribe" in await client.push()
    assert len(await here.node.control.nodes()) == 2


@pytest.mark.parametrize(
    "written",
    [
        b'{"do":"survey","x":' + b"[" * 100_000,
        b'{"do":"disconnect","user":"\xff"}',
        b'{"do":"\xed\xa0\x80"}',
        b"\xff",
        b"",
    ],
)
async def test_what_was_written_past_the_functions_harms_nobody(places, written):
    here, _there = places
    with capture_logs() as logs:
        here.node.control._mailbox.send_nowait(b"", [written])

    assert [line["event"] for line in logs] == ["a node said what this one does not understand"]


async def test_a_store_that_is_away_is_told_to_who_speaks(places):
    here, _there = places
    here.broker.away = True

    with pytest.raises(BrokerUnavailable):
        await here.node.control.tell(DisconnectUser(user="7", code=3503, reason=""))
    with pytest.raises(BrokerUnavailable):
        await here.node.control.block_user("7", 60)


async def test_an_order_that_needs_the_store_is_carried_out_when_that_is_back(places, autojump_clock):
    here, there = places
    client = await there.connect()
    there.broker.away = True
    await here.node.control.tell(SubscribeUser(user="7", channel="open:a"))
    await trio.sleep(5)
    assert await client.silent()
    there.broker.away = False

    assert "subscribe" in await client.push()


async def test_orders_keep_their_order_also_when_the_store_was_away(places, autojump_clock):
    here, there = places
    client = await there.connect()
    there.broker.away = True
    await here.node.control.tell(SubscribeUser(user="7", channel="open:a"))
    await here.node.control.tell(UnsubscribeUser(user="7", channel="open:a"))
    await trio.sleep(5)
    there.broker.away = False

    assert "subscribe" in await client.push()
    assert "unsubscribe" in await client.push()


async def test_a_client_that_does_not_read_delays_an_order_for_nobody_else(autojump_clock):
    async with two_nodes(write_seconds=20) as (here, _there):
        slow = await here.connect(send_buffer=4096)
        quick = await here.connect()
        await here.broker.publish("#7", b'"' + b"x" * 500_000 + b'"')
        await quick.push()
        start = trio.current_time()
        await here.node.control.tell(SubscribeUser(user="7", channel="open:a"))

        assert "subscribe" in await quick.push()
        assert trio.current_time() - start < 1
        assert "pub" in await slow.push()
        assert "subscribe" in await slow.push()


async def test_who_leaves_while_an_order_waits_leaves_nothing(autojump_clock):
    async with two_nodes() as (here, _there):
        client = await here.connect()

        async def hang(_name):
            await trio.sleep_forever()

        here.broker.trouble = hang
        here.node.control._obey(SubscribeUser(user="7", channel="open:a"))
        await wait_all_tasks_blocked()
        await client.stream.aclose()
        await wait_all_tasks_blocked()

        assert here.left["subscriptions"] == 0
        assert here.left["connections"] == 0
