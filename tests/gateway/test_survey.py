"""A survey asks every node that is there, and waits no longer for one that does not answer."""

import pytest
import trio
from captured_logs import capture_logs
from gateway.peers import serve_sdk_place
from gateway.shared_broker import SharedBroker
from trio.testing import wait_all_tasks_blocked

from trio_gateway.gateway.nodes import survey
from trio_gateway.model.errors import BrokerUnavailable
from trio_gateway.model.presence import Member


@pytest.fixture
async def places():
    broker = SharedBroker()
    async with serve_sdk_place(broker=broker) as here, serve_sdk_place(broker=SharedBroker(broker)) as there:
        await wait_all_tasks_blocked()
        yield here, there


async def timed(asked):
    start = trio.current_time()
    return await asked, trio.current_time() - start


async def test_every_node_shows_what_it_holds(places, autojump_clock):
    here, there = places
    await here.connect()
    await there.connect()
    await there.connect("8", claims={"channels": ["open:a"]})
    nodes, seconds = await timed(here.node.control.nodes())
    shown = {one.uid: (one.num_clients, one.num_users, one.num_subs, one.num_channels) for one in nodes}

    assert shown == {here.node.uid: (1, 1, 1, 1), there.node.uid: (2, 2, 3, 3)}
    assert seconds < 0.1


async def test_subscribers_are_counted_over_all_nodes_and_the_gateways_own_channels_are_not_shown(places):
    here, there = places
    for place in places:
        await (await place.connect()).do("subscribe", channel="open:a")
    await (await there.connect("8")).do("subscribe", channel="open:b")

    assert await here.node.control.channels("") == {"open:a": 2, "open:b": 1, "#7": 2, "#8": 1}
    assert await here.node.control.channels("open:*") == {"open:a": 2, "open:b": 1}
    assert await here.node.control.channels("nothing") == {}


async def test_a_long_answer_comes_in_parts(places, monkeypatch):
    monkeypatch.setattr(survey, "CHANNELS_AT_ONCE", 3)
    here, there = places
    client = await there.connect()
    for number in range(10):
        await client.do("subscribe", channel=f"open:{number}")

    assert len(await here.node.control.channels("open:*")) == 10


async def test_a_silent_node_is_waited_for_once_and_again_when_it_spoke(places, autojump_clock):
    here, there = places
    there.broker.deaf = True
    with capture_logs() as logs:
        nodes, first = await timed(here.node.control.nodes())
        _nodes, second = await timed(here.node.control.nodes())

    assert [one.uid for one in nodes] == [here.node.uid]
    assert (first, second) == (pytest.approx(1, abs=0.1), pytest.approx(0, abs=0.1))
    assert [line["nodes"] for line in logs if line["event"] == "nodes gave no answer"] == [[there.node.uid]]
    there.broker.deaf = False
    await here.node.control.nodes()
    await wait_all_tasks_blocked()
    assert len(await here.node.control.nodes()) == 2


async def test_a_node_that_was_killed_is_forgotten_with_its_presence(places, autojump_clock):
    here, _there = places
    await here.broker.join(survey.NODES_CHANNEL, Member("gone", "", b"{}"), ttl=60)
    assert len(await here.node.control.nodes()) == 2
    assert here.node.control._surveys._silent == {"gone"}
    await trio.sleep(61)
    await here.node.control.nodes()

    assert here.node.control._surveys._silent == set()


async def test_a_node_that_stops_is_asked_no_more(places, autojump_clock):
    here, _there = places
    async with serve_sdk_place(broker=SharedBroker(here.broker)) as third:
        await wait_all_tasks_blocked()
        assert len(await here.node.control.nodes()) == 3
    await third.node.hub.flush()
    nodes, seconds = await timed(here.node.control.nodes())

    assert (len(nodes), seconds) == (2, pytest.approx(0, abs=0.1))


async def test_answers_to_nobodys_question_are_dropped(places, autojump_clock):
    here, _there = places
    channel = survey._answers_channel(here.node.uid)
    for garbage in (b'{"id":"x","node":"y"}', b"[]", b'{"id":1}'):
        await here.broker.publish(channel, garbage)
    unreadable = [b'{"x":' + b"[" * 100_000, b'{"id":"\xff","node":"y"}']
    assert here.node.control._surveys._mailbox.send_nowait(b"", unreadable) == 2

    assert len(await here.node.control.nodes()) == 2
    assert here.node.control._surveys._asked == {}


async def test_a_store_that_is_away_is_told(places):
    here, _there = places
    here.broker.away = True

    with pytest.raises(BrokerUnavailable):
        await here.node.control.nodes()
    assert here.node.control._surveys._asked == {}


async def test_a_node_whose_answer_the_store_did_not_take_answers_the_next_survey(places, autojump_clock):
    here, there = places

    async def refuse(name):
        if name == "publish":
            raise BrokerUnavailable("away")

    there.broker.trouble = refuse
    assert len(await here.node.control.nodes()) == 1
    there.broker.trouble = None
    await here.node.control.nodes()
    await wait_all_tasks_blocked()

    assert len(await here.node.control.nodes()) == 2
