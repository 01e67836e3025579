"""That a client has gone is told at least once: whatever the application, the store or the node does meanwhile."""

from __future__ import annotations

import pytest
import trio
from gateway.peers import NOTHING, serve_sdk_place, token
from gateway.shared_broker import SharedBroker
from trio.testing import wait_all_tasks_blocked

from trio_gateway import errors
from trio_gateway.gateway.nodes import departures
from trio_gateway.gateway.nodes.departures import HOLDERS_CHANNEL, record_of, request_of
from trio_gateway.gateway.nodes.lost_nodes import CLAIM_SECONDS
from trio_gateway.gateway.nodes.survey import NODES_CHANNEL
from trio_gateway.gateway.nodes.untold import LONGEST_PAUSE
from trio_gateway.hooks.hooks import Hooks
from trio_gateway.hooks.results import ConnectResult
from trio_gateway.model.codes import DisconnectCode
from trio_gateway.model.presence import Member
from trio_gateway.model.user import User

TTL = 60
SOON = 2 * TTL
"""Seconds in which a lost node is found, with something to spare."""


class Application:
    """Be told; `trouble` is raised instead of hearing, while it is there, and `pause` is how long hearing takes."""

    def __init__(self):
        self.heard = []
        self.trouble = None
        self.pause = 0
        self.most = 0
        self.now = 0

    async def __call__(self, request):
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await trio.sleep(self.pause)
            if self.trouble is not None:
                raise self.trouble
            self.heard.append(request)
        finally:
            self.now -= 1

    @property
    def clients(self):
        return [request.client.id for request in self.heard]


@pytest.fixture
def application():
    return Application()


@pytest.fixture
def broker():
    return SharedBroker()


def serve(application, broker, **options):
    return serve_sdk_place(broker=broker, hooks=Hooks(disconnected=application), presence_ttl=TTL, **options)


async def records(broker, node):
    return set(await broker.presence(record_of(node.uid)))


async def leave_behind(broker, *clients, node="killed"):
    """Put into the store what a node leaves there that is killed with these clients."""
    await broker.join(HOLDERS_CHANNEL, Member(node, "", b"{}"), ttl=3600)
    for client in clients:
        info = b'{"device":"phone","protocol":"centrifugo","transport":"websocket","meta":{"a":1}}'
        await broker.join(record_of(node), Member(client, "7", info), ttl=3600)


class TestOwnClients:
    async def test_the_end_of_each_client_is_told_with_its_code(self, application, broker, autojump_clock):
        async with serve(application, broker) as place:
            gone, closed = await place.connect("7"), await place.connect("8")
            (connection,) = place.node.clients.of("8")
            await gone.stream.aclose()
            connection.leave(DisconnectCode(4000, "enough"))
            await closed.closed()
            await trio.sleep(1)

        told = {
            request.client.user.id: (request.client.id, request.code, request.reason) for request in application.heard
        }
        assert told == {
            "7": (gone.connected["client"], 3000, "connection closed"),
            "8": (closed.connected["client"], 4000, "enough"),
        }
        assert {request.node for request in application.heard} == {place.node.uid}

    async def test_a_client_of_the_plain_protocol_too(self, application, broker, autojump_clock):
        async with serve(application, broker) as place:
            peer = await place.dial(f"/ws?token={token()}&device=phone")
            await peer.stream.aclose()
            await trio.sleep(1)

        assert [(each.client.id, each.client.device) for each in application.heard] == [(peer.hello["client"], "phone")]

    async def test_a_client_is_on_record_before_it_is_greeted_until_its_end_was_heard(
        self, application, broker, autojump_clock
    ):
        application.pause = 5
        async with serve(application, broker) as place:
            peer = await place.connect()
            assert await records(broker, place.node) == {peer.connected["client"]}
            await peer.stream.aclose()
            await trio.sleep(4)
            assert await records(broker, place.node) == {peer.connected["client"]}
            await trio.sleep(2)
            assert await records(broker, place.node) == set()
            assert place.left == NOTHING

    async def test_without_the_hook_nothing_is_on_record(self, broker, autojump_clock):
        async with serve_sdk_place(broker=broker) as place:
            await place.connect()

            assert await records(broker, place.node) == set()

    @pytest.mark.parametrize(
        "trouble", [errors.HookUnavailable("away"), errors.Refused(1000, "no"), ZeroDivisionError("x")]
    )
    async def test_what_was_not_heard_is_told_again_until_it_is(self, trouble, application, broker, autojump_clock):
        application.trouble = trouble
        async with serve(application, broker) as place:
            peer = await place.connect()
            await peer.stream.aclose()
            await trio.sleep(600)
            application.trouble = None
            await trio.sleep(LONGEST_PAUSE)

        assert application.clients == [peer.connected["client"]]

    async def test_one_that_is_never_heard_holds_up_no_other(self, application, broker, autojump_clock):
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

    async def test_after_a_day_it_is_given_up(self, application, broker, autojump_clock, monkeypatch):
        monkeypatch.setattr(departures, "RECORD_SECONDS", 600)
        application.trouble = ZeroDivisionError("always")
        async with serve(application, broker) as place:
            await (await place.connect()).stream.aclose()
            await trio.sleep(departures.RECORD_SECONDS + 2 * LONGEST_PAUSE)

            assert place.node.departures.pending == 0

    async def test_only_so_many_are_told_at_once(self, application, broker, autojump_clock):
        application.pause = 1
        async with serve(application, broker) as place:
            peers = [await place.connect(f"{number}") for number in range(50)]
            for peer in peers:
                await peer.stream.aclose()
            await trio.sleep(20)

        assert application.most == departures.AT_ONCE
        assert len(application.heard) == 50

    async def test_who_is_not_let_in_leaves_nothing_and_nothing_is_told(self, application, broker, autojump_clock):
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

            assert len(await records(broker, place.node)) == 1
            assert application.heard == []

    async def test_where_the_store_is_away_nobody_gets_in_of_whose_end_nothing_would_be_told(
        self, application, broker, autojump_clock
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

            assert await records(broker, place.node) == set()
            assert application.heard == []

    async def test_ends_that_do_not_fit_in_memory_are_told_from_the_record(
        self, application, broker, autojump_clock, monkeypatch
    ):
        monkeypatch.setattr(departures, "MAX_PENDING", 3)
        application.trouble = errors.HookUnavailable("away")
        async with serve(application, broker) as place:
            stays = await place.connect("stays")
            peers = [await place.connect(f"{number}") for number in range(10)]
            for peer in peers:
                await peer.stream.aclose()
            await trio.sleep(5)
            assert place.node.departures.pending == 3
            application.trouble = None
            with trio.move_on_after(100):
                await stays.closed()

        assert sorted(application.clients) == sorted(peer.connected["client"] for peer in peers)
        assert {request.code for request in application.heard} == {3000, 1006}

    async def test_a_flush_waits_until_all_were_heard(self, application, broker, autojump_clock):
        application.pause = 1
        async with serve(application, broker) as place:
            await (await place.connect()).stream.aclose()
            await wait_all_tasks_blocked()
            await place.node.departures.flush()

            assert len(application.heard) == 1
            assert await records(broker, place.node) == set()

    async def test_a_record_that_the_store_lost_is_put_back(self, application, broker, autojump_clock):
        async with serve(application, broker) as place:
            peer = await place.connect()
            await broker.leave([departures_leave(place.node, peer)])
            with trio.move_on_after(departures.RENEW_SECONDS * 1.1):
                await peer.closed()

            assert await records(broker, place.node) == {peer.connected["client"]}


def departures_leave(node, peer):
    from trio_gateway.broker.broker import Leave

    return Leave(record_of(node.uid), peer.connected["client"])


class TestLostNodes:
    async def test_the_clients_of_a_killed_node_are_told_by_one_that_is_left(self, application, broker, autojump_clock):
        async with serve(application, broker):
            await leave_behind(broker, "a", "b")
            await trio.sleep(SOON)

            assert sorted(application.clients) == ["a", "b"]
            told = application.heard[0]
            assert (told.code, told.reason, told.node) == (1006, "connection lost", "killed")
            assert (told.client.user, told.client.device, told.client.meta) == (User("7"), "phone", b'{"a":1}')
            assert await broker.presence(record_of("killed")) == {}
            assert "killed" not in await broker.presence(HOLDERS_CHANNEL)

    async def test_a_node_that_is_there_is_left_alone(self, application, broker, autojump_clock):
        other = Application()
        async with serve(application, broker) as here, serve(other, SharedBroker(broker)) as there:
            peers = [await here.connect("7"), await there.connect("8")]
            with trio.move_on_after(10 * SOON):
                async with trio.open_nursery() as nursery:
                    for peer in peers:
                        nursery.start_soon(peer.closed)

        assert application.heard == other.heard == []

    async def test_of_several_nodes_one_tells(self, application, broker, autojump_clock):
        application.pause = 1
        async with (
            serve(application, broker),
            serve(application, SharedBroker(broker)),
            serve(application, SharedBroker(broker)),
        ):
            await leave_behind(broker, *[f"{number}" for number in range(40)])
            await trio.sleep(SOON)

        assert len(application.heard) == 40
        assert application.most == departures.AT_ONCE

    async def test_what_a_claimant_can_not_finish_is_finished_by_another(self, application, broker, autojump_clock):
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

    async def test_while_the_application_is_away_they_wait(self, application, broker, autojump_clock):
        application.trouble = errors.HookUnavailable("away")
        async with serve(application, broker):
            await leave_behind(broker, "a")
            await trio.sleep(3600 - SOON)
            application.trouble = None
            await trio.sleep(SOON)

        assert application.clients == ["a"]

    async def test_what_a_node_could_not_tell_before_it_stopped_is_told_by_the_next(
        self, application, broker, autojump_clock
    ):
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

    async def test_after_an_outage_of_the_store_nobody_is_taken_for_lost(self, application, broker, autojump_clock):
        other, there_broker = Application(), SharedBroker(broker)
        async with serve(application, broker) as here, serve(other, there_broker) as there:
            peers = [await here.connect("7"), await there.connect("8")]
            broker.away = there_broker.away = True
            with trio.move_on_after(10 * TTL):
                await peers[0].closed()
            broker.away = there_broker.away = False
            with trio.move_on_after(SOON):
                await peers[0].closed()

        assert [each.code for each in application.heard + other.heard if each.code == 1006] == []

    async def test_while_a_node_is_not_seen_itself_it_takes_no_other_for_lost(
        self, application, broker, autojump_clock
    ):
        async with serve(application, broker) as place:
            await leave_behind(broker, "a")
            for _ in range(100):
                await broker.leave([nodes_leave(place.node)])
                await trio.sleep(1)

            assert application.heard == []

    async def test_a_record_that_somebody_else_wrote_is_told_as_far_as_it_can_be(
        self, application, broker, autojump_clock
    ):
        async with serve(application, broker):
            await broker.join(HOLDERS_CHANNEL, Member("killed", "", b"{}"), ttl=3600)
            await broker.join(record_of("killed"), Member("a", "7", b'{"device":5}'), ttl=3600)
            await trio.sleep(SOON)

        assert application.clients == ["a"]


def nodes_leave(node):
    from trio_gateway.broker.broker import Leave

    return Leave(NODES_CHANNEL, node.uid)


async def test_what_is_too_large_for_the_record_is_left_out(broker, application, autojump_clock):
    async def connect(_request):
        return ConnectResult(User("7"), meta="x" * 100_000)

    hooks = Hooks(disconnected=application, connect=connect)
    async with serve_sdk_place(broker=broker, hooks=hooks, presence_ttl=TTL) as place:
        peer = await place.open_sdk()
        await peer.do("connect")
        (member,) = (await broker.presence(record_of(place.node.uid))).values()

    assert request_of(member, "n").client.meta == b""
