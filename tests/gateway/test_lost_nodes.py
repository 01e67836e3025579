"""The clients of a node that was killed are told of by one that is left, and those of a living node are not."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
import trio
from captured_logs import capture_logs
from gateway.shared_broker import SharedBroker
from gateway.told_application import SOON, TTL, Application, leave_behind, records, serve, take_away, take_record_away

from trio_gateway import errors
from trio_gateway.gateway.nodes.lost_nodes import CLAIM_SECONDS, LOOKS
from trio_gateway.gateway.nodes.record import HOLDERS_CHANNEL, part_of
from trio_gateway.gateway.nodes.survey import NODES_CHANNEL
from trio_gateway.gateway.nodes.telling import AT_ONCE, TELL_SECONDS
from trio_gateway.model.presence import Member
from trio_gateway.model.user import User


@pytest.fixture
def application():
    return Application()


@pytest.fixture
def broker():
    return SharedBroker()


async def test_the_clients_of_a_killed_node_are_told_by_one_that_is_left(application, broker, autojump_clock):
    async with serve(application, broker):
        await leave_behind(broker, "a", "b")
        await trio.sleep(SOON)

        assert sorted(application.clients) == ["a", "b"]
        told = application.heard[0]
        assert (told.code, told.reason, told.node) == (1006, "connection lost", "killed")
        assert (told.client.user, told.client.device, told.client.meta) == (User("7"), "phone", b'{"a":1}')
        assert await records(broker, "killed") == set()
        assert "killed" not in await broker.presence(HOLDERS_CHANNEL)


async def test_a_node_that_is_there_is_left_alone(application, broker, autojump_clock):
    other = Application()
    async with serve(application, broker) as here, serve(other, SharedBroker(broker)) as there:
        await here.connect("7")
        await there.connect("8")
        await trio.sleep(10 * SOON)

    assert application.heard == other.heard == []


async def test_of_several_nodes_one_tells(application, broker, autojump_clock):
    application.pause = 1
    async with (
        serve(application, broker),
        serve(application, SharedBroker(broker)),
        serve(application, SharedBroker(broker)),
    ):
        await leave_behind(broker, *[f"{number}" for number in range(40)])
        await trio.sleep(SOON)

    assert len(application.heard) == 40
    assert application.most == AT_ONCE


async def test_what_a_claimant_can_not_finish_is_finished_by_another(application, broker, autojump_clock):
    stuck = Application()
    stuck.trouble = errors.HookUnavailable("away")
    with trio.CancelScope() as killed:
        async with serve(stuck, broker):
            await leave_behind(broker, "a", "b")
            await trio.sleep(SOON)
            killed.cancel()
            await trio.sleep_forever()
    async with serve(application, SharedBroker(broker)):
        await trio.sleep(SOON + CLAIM_SECONDS)

    assert sorted(application.clients) == ["a", "b"]


async def test_while_the_application_is_away_they_wait(application, broker, autojump_clock):
    application.trouble = errors.HookUnavailable("away")
    async with serve(application, broker):
        await leave_behind(broker, "a")
        await trio.sleep(3600 - SOON)
        application.trouble = None
        await trio.sleep(SOON)

    assert application.clients == ["a"]


async def test_what_a_node_could_not_tell_before_it_stopped_is_told_by_the_next(application, broker, autojump_clock):
    application.trouble = errors.HookUnavailable("away")
    async with serve(application, broker) as place:
        peer = await place.connect()
        await trio.sleep(1)
        await peer.stream.aclose()
        await trio.sleep(1)
    application.trouble = None
    await trio.sleep(TTL)
    async with serve(application, SharedBroker(broker)):
        await trio.sleep(SOON)

    assert application.clients == [peer.connected["client"]]


async def test_after_an_outage_of_the_store_nobody_is_taken_for_lost(application, broker, autojump_clock):
    other, there_broker = Application(), SharedBroker(broker)
    async with serve(application, broker) as here, serve(other, there_broker) as there:
        await here.connect("7")
        await there.connect("8")
        broker.away = there_broker.away = True
        await trio.sleep(10 * TTL)
        broker.away = there_broker.away = False
        await trio.sleep(SOON)

    assert [each.code for each in application.heard + other.heard if each.code == 1006] == []


async def test_while_a_node_is_not_seen_itself_it_takes_no_other_for_lost(
    application, broker, autojump_clock, monkeypatch
):
    present = broker.presence

    async def nobody_seen(channel):
        return {} if channel == NODES_CHANNEL else await present(channel)

    async with serve(application, broker):
        await leave_behind(broker, "a")
        monkeypatch.setattr(broker, "presence", nobody_seen)
        await trio.sleep(100)

        assert application.heard == []


async def test_a_record_that_somebody_else_wrote_is_told_as_far_as_it_can_be(application, broker, autojump_clock):
    async with serve(application, broker):
        await broker.join(HOLDERS_CHANNEL, Member("killed", "", b"{}"), ttl=3600)
        await broker.join(part_of("killed", "a"), Member("a", "7", b'{"device":5}'), ttl=3600)
        await trio.sleep(SOON)

    assert application.clients == ["a"]


@asynccontextmanager
async def killed_later(application, broker):
    """Serve a node beside the block, which kills it by the scope that it gets with the node's place."""
    async with trio.open_nursery() as nursery:

        async def run(task_status):
            with trio.CancelScope() as scope:
                async with serve(application, broker) as place:
                    task_status.started((place, scope))
                    await trio.sleep_forever()

        yield await nursery.start(run)
        nursery.cancel_scope.cancel()


async def clients_of(place, count):
    """Connect clients that need no ping; answers their ids."""
    return {(await place.connect(f"{number}")).connected["client"] for number in range(count)}


async def test_a_node_that_comes_back_while_it_is_told_of_and_is_killed_then_is_told_of_wholly(
    application, broker, autojump_clock
):
    cut_off = SharedBroker(broker)
    async with serve(application, broker), killed_later(application, cut_off) as (place, scope):
        early = await clients_of(place, 40)
        await trio.sleep(TTL / LOOKS)
        application.pause = 20
        cut_off.away = True
        while not application.now:
            await trio.sleep(1)
        cut_off.away = False
        while place.node.uid not in await broker.presence(NODES_CHANNEL):
            await trio.sleep(0.1)
        late = await clients_of(place, 20)
        await trio.sleep(3 * application.pause)
        assert set(application.clients) < early, "it is left alone"
        application.pause = 0
        scope.cancel()
        await trio.sleep(SOON + CLAIM_SECONDS)

        assert set(application.clients) == early | late
        assert await records(broker, place.node.uid) == set()


async def test_a_record_that_was_taken_away_is_put_back_at_the_next_look(application, broker, autojump_clock):
    async with serve(application, broker), killed_later(application, SharedBroker(broker)) as (place, scope):
        await trio.sleep(SOON)
        ids = await clients_of(place, 3)
        await take_record_away(broker, place.node.uid)
        await trio.sleep(30)
        scope.cancel()
        await trio.sleep(SOON)

    assert set(application.clients) == ids


async def test_what_a_claimant_takes_off_the_record_of_a_living_node_is_put_back_at_the_next_look(
    application, broker, autojump_clock
):
    async with serve(application, broker) as place:
        ids = await clients_of(place, 3)
        await broker.join(f"$:claim:{place.node.uid}", Member("other", "", b"{}"), ttl=CLAIM_SECONDS)
        for client in ids:
            await take_away(broker, part_of(place.node.uid, client), client)
        await trio.sleep(TTL / LOOKS)

        assert await records(broker, place.node.uid) == ids


async def test_after_the_store_lost_everything_the_clients_of_a_node_that_is_killed_are_told(
    application, broker, autojump_clock
):
    async with serve(application, broker), killed_later(application, SharedBroker(broker)) as (place, scope):
        await trio.sleep(SOON)
        ids = await clients_of(place, 3)
        for node in await broker.presence(HOLDERS_CHANNEL):
            await take_record_away(broker, node)
            await take_away(broker, NODES_CHANNEL, node)
        await trio.sleep(30)
        assert application.heard == []
        scope.cancel()
        await trio.sleep(SOON)

    assert set(application.clients) == ids


@pytest.mark.parametrize("after", range(0, 12, 3))
async def test_a_node_whose_first_word_the_store_did_not_take_is_not_taken_for_lost(
    after, application, broker, autojump_clock
):
    young, failed = SharedBroker(broker), []

    async def fail_once(call):
        if call == "join" and not failed:
            failed.append(call)
            raise errors.BrokerUnavailable("no answer")

    young.trouble = fail_once
    async with serve(application, broker):
        await trio.sleep(TTL + after)
        async with serve(application, young) as place:
            await clients_of(place, 1)
            await trio.sleep(TTL)

            assert failed
            assert application.heard == []


async def test_one_that_hangs_holds_up_no_other_of_a_lost_node(broker, autojump_clock):
    heard = []

    async def hear(request):
        if request.client.id == "hangs":
            await trio.sleep_forever()
        heard.append(request.client.id)

    async with serve(hear, broker):
        await leave_behind(broker, "hangs", *[f"{number}" for number in range(3 * AT_ONCE)])
        await trio.sleep(SOON + 2 * TELL_SECONDS)

        assert sorted(heard) == sorted(f"{number}" for number in range(3 * AT_ONCE))
        assert await records(broker, "killed") == {"hangs"}


async def test_a_claim_is_kept_however_long_the_application_takes(application, broker, autojump_clock):
    application.pause = 10
    async with serve(application, broker), serve(application, SharedBroker(broker)):
        await leave_behind(broker, *[f"{number}" for number in range(10 * AT_ONCE)])
        await trio.sleep(SOON + 10 * application.pause)

    assert len(application.heard) == 10 * AT_ONCE
    assert application.most == AT_ONCE


async def test_a_lost_node_is_logged_once_and_one_without_clients_not_at_all(application, broker, autojump_clock):
    application.trouble = errors.HookUnavailable("away")
    with capture_logs() as lines:
        async with serve(application, broker):
            await leave_behind(broker, "a", "b")
            await leave_behind(broker, node="empty")
            await trio.sleep(10 * SOON)

    gone = [(line["node"], line["clients"]) for line in lines if line["event"].startswith("a node is gone")]
    assert gone == [("killed", 2)]


async def test_a_node_that_was_told_of_wholly_while_it_was_cut_off_has_its_record_again_when_it_is_back(
    application, broker, autojump_clock
):
    cut_off = SharedBroker(broker)
    async with serve(application, broker), serve(Application(), cut_off) as place:
        early = await clients_of(place, 3)
        cut_off.away = True
        await trio.sleep(TTL + SOON)
        assert set(application.clients) == early
        assert place.node.uid not in await broker.presence(HOLDERS_CHANNEL)
        cut_off.away = False
        late = await clients_of(place, 3)
        assert place.node.uid in await broker.presence(HOLDERS_CHANNEL), "before any of them is greeted"
        await trio.sleep(TTL / LOOKS)

        assert await records(broker, place.node.uid) == early | late
