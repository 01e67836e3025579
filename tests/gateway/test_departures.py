"""That a client has gone is told at least once: whatever the application, the store or the node does meanwhile."""

from __future__ import annotations

import pytest
import trio
from captured_logs import capture_logs
from gateway.peers import NOTHING, serve_sdk_place, token
from gateway.shared_broker import SharedBroker
from gateway.told_application import TTL, Application, records, serve, take_away
from trio.testing import wait_all_tasks_blocked

from trio_gateway import errors
from trio_gateway.gateway.nodes import departures
from trio_gateway.gateway.nodes.record import HOLDERS_CHANNEL, RENEW_SECONDS, part_of
from trio_gateway.gateway.nodes.telling import AT_ONCE, TELL_SECONDS
from trio_gateway.gateway.nodes.untold import LONGEST_PAUSE
from trio_gateway.model.codes import DisconnectCode


@pytest.fixture
def application():
    return Application()


@pytest.fixture
def broker():
    return SharedBroker()


async def test_the_end_of_each_client_is_told_with_its_code(application, broker, autojump_clock):
    async with serve(application, broker) as place:
        gone, closed = await place.connect("7"), await place.connect("8")
        (connection,) = place.node.clients.of("8")
        await gone.stream.aclose()
        connection.leave(DisconnectCode(4000, "enough"))
        await closed.closed()
        await trio.sleep(1)

    told = {request.client.user.id: (request.client.id, request.code, request.reason) for request in application.heard}
    assert told == {
        "7": (gone.connected["client"], 3000, "connection closed"),
        "8": (closed.connected["client"], 4000, "enough"),
    }
    assert {request.node for request in application.heard} == {place.node.uid}


async def test_a_client_of_the_plain_protocol_too(application, broker, autojump_clock):
    async with serve(application, broker) as place:
        peer = await place.dial(f"/ws?token={token()}&device=phone")
        await peer.stream.aclose()
        await trio.sleep(1)

    assert [(each.client.id, each.client.device) for each in application.heard] == [(peer.hello["client"], "phone")]


async def test_a_client_is_on_record_before_it_is_greeted_until_its_end_was_heard(application, broker, autojump_clock):
    application.pause = 5
    async with serve(application, broker) as place:
        peer = await place.connect()
        assert await records(broker, place.node.uid) == {peer.connected["client"]}
        await peer.stream.aclose()
        await trio.sleep(4)
        assert await records(broker, place.node.uid) == {peer.connected["client"]}
        await trio.sleep(2)
        assert await records(broker, place.node.uid) == set()
        assert place.left == NOTHING


async def test_without_the_hook_nothing_is_on_record(broker, autojump_clock):
    async with serve_sdk_place(broker=broker) as place:
        await place.connect()

        assert await records(broker, place.node.uid) == set()


@pytest.mark.parametrize(
    "trouble", [errors.HookUnavailable("away"), errors.Refused(1000, "no"), ZeroDivisionError("x")]
)
async def test_what_was_not_heard_is_told_again_until_it_is(trouble, application, broker, autojump_clock):
    application.trouble = trouble
    async with serve(application, broker) as place:
        peer = await place.connect()
        await peer.stream.aclose()
        await trio.sleep(600)
        application.trouble = None
        await trio.sleep(LONGEST_PAUSE)

    assert application.clients == [peer.connected["client"]]


async def test_one_that_is_never_heard_holds_up_no_other(application, broker, autojump_clock):
    heard = []

    async def hear(request):
        if request.client.user.id == "poison":
            raise ZeroDivisionError
        heard.append(request.client.user.id)

    async with serve(hear, broker) as place:
        await (await place.connect("poison")).stream.aclose()
        await trio.sleep(10 * LONGEST_PAUSE)
        for user in ("7", "8"):
            await (await place.connect(user)).stream.aclose()
            await trio.sleep(1)

    assert heard == ["7", "8"]


async def test_after_a_day_it_is_given_up(application, broker, autojump_clock, monkeypatch):
    monkeypatch.setattr(departures, "RECORD_SECONDS", 600)
    application.trouble = ZeroDivisionError("always")
    async with serve(application, broker) as place:
        await (await place.connect()).stream.aclose()
        await trio.sleep(departures.RECORD_SECONDS + 2 * LONGEST_PAUSE)

        assert place.node.departures.pending == 0
        assert await records(broker, place.node.uid) == set()


async def test_only_so_many_are_told_at_once(application, broker, autojump_clock):
    application.pause = 1
    async with serve(application, broker) as place:
        peers = [await place.connect(f"{number}") for number in range(50)]
        for peer in peers:
            await peer.stream.aclose()
        await trio.sleep(20)

    assert application.most == AT_ONCE
    assert len(application.heard) == 50


async def test_who_is_not_let_in_leaves_nothing_and_nothing_is_told(application, broker, autojump_clock):
    async with serve(application, broker, max_connections_per_user=1) as place:
        await place.connect("7")
        other = await place.open_sdk()
        await other.command(("connect", {"token": token("7")}))
        assert (await other.closed()).code == 3504
        await place.node.control.block_user("8", 60)
        blocked = await place.open_sdk()
        await blocked.command(("connect", {"token": token("8")}))
        assert (await blocked.closed()).code == 3507
        await trio.sleep(1)

        assert len(await records(broker, place.node.uid)) == 1
        assert application.heard == []


async def test_where_the_store_is_away_nobody_gets_in_of_whose_end_nothing_would_be_told(
    application, broker, autojump_clock
):
    async with serve(application, broker) as place:
        await trio.sleep(1)

        async def fail(call):
            if call == "join":
                raise errors.BrokerUnavailable("away")

        broker.trouble = fail
        peer = await place.open_sdk()
        assert await peer.refused("connect", token=token()) == 100
        broker.trouble = None
        await trio.sleep(TTL)

        assert await records(broker, place.node.uid) == set()
        assert application.heard == []


async def test_ends_that_do_not_fit_in_memory_are_told_from_the_record(
    application, broker, autojump_clock, monkeypatch
):
    monkeypatch.setattr(departures, "MAX_WAITING", 3)
    application.trouble = errors.HookUnavailable("away")
    async with serve(application, broker) as place:
        await place.connect("stays")
        peers = [await place.connect(f"{number}") for number in range(10)]
        for peer in peers:
            await peer.stream.aclose()
        await trio.sleep(5)
        assert place.node.departures.pending == 10
        application.trouble = None
        await trio.sleep(100)

    assert sorted(application.clients) == sorted(peer.connected["client"] for peer in peers)
    assert sorted(request.code for request in application.heard) == [1006] * 7 + [3000] * 3


async def test_a_flush_waits_until_all_were_heard(application, broker, autojump_clock):
    application.pause = 1
    async with serve(application, broker) as place:
        await (await place.connect()).stream.aclose()
        await wait_all_tasks_blocked()
        await place.node.departures.flush()

        assert len(application.heard) == 1
        assert await records(broker, place.node.uid) == set()


async def test_a_record_that_the_store_lost_is_put_back(application, broker, autojump_clock):
    async with serve(application, broker) as place:
        peer = await place.connect()
        client = peer.connected["client"]
        await take_away(broker, part_of(place.node.uid, client), client)
        await trio.sleep(RENEW_SECONDS * 1.1)

        assert await records(broker, place.node.uid) == {peer.connected["client"]}


async def test_one_end_that_is_never_heard_keeps_those_that_do_not_fit_in_memory_waiting_no_longer(
    broker, autojump_clock, monkeypatch
):
    monkeypatch.setattr(departures, "MAX_WAITING", 3)
    heard, away = [], True

    async def hear(request):
        if away or request.client.user.id == "poison":
            raise errors.HookUnavailable("no")
        heard.append(request.client.user.id)

    async with serve(hear, broker) as place:
        for user in ("poison", *"12345"):
            await (await place.connect(user)).stream.aclose()
            await trio.sleep(0.1)
        away = False
        await trio.sleep(2 * LONGEST_PAUSE)

    assert sorted(heard) == [*"12345"]


async def test_one_that_hangs_holds_up_no_other_and_is_told_again(broker, autojump_clock):
    heard, hung = [], []

    async def hear(request):
        if request.client.user.id == "hangs" and not hung:
            hung.append(request)
            await trio.sleep_forever()
        heard.append(request.client.user.id)

    async with serve(hear, broker) as place:
        for user in ("hangs", "7", "8"):
            await (await place.connect(user)).stream.aclose()
            await trio.sleep(1)
        assert heard == ["7", "8"]
        await trio.sleep(TELL_SECONDS + LONGEST_PAUSE)

    assert heard == ["7", "8", "hangs"]


async def test_clients_for_whom_there_is_no_room_on_the_record_are_told_of_in_the_log(
    application, broker, autojump_clock, monkeypatch
):
    monkeypatch.setattr(departures, "RECORDS_PER_CONNECTION", 1)
    application.trouble = errors.HookUnavailable("away")
    with capture_logs() as lines:
        async with serve(application, broker, max_connections=1) as place:
            for number in range(3):
                await (await place.connect(f"{number}")).stream.aclose()
                await trio.sleep(0.1)
            assert len(await records(broker, place.node.uid)) == 1

    told = [line for line in lines if line["event"] == "clients are on no record, as there are too many"]
    assert [(line["log_level"], line["limit"]) for line in told] == [("warning", 1)]


async def test_who_has_stopped_with_all_ends_told_has_no_record(application, broker, autojump_clock):
    async with serve(application, broker) as place:
        await (await place.connect()).stream.aclose()
        await wait_all_tasks_blocked()
        assert place.node.uid in await broker.presence(HOLDERS_CHANNEL)
        await place.node.departures.flush()

        assert await broker.presence(HOLDERS_CHANNEL) == {}
