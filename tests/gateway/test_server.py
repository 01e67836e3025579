"""The client server accepts in batches, survives what accept() may say, and drains at the pace it promises."""

import errno
import socket
from itertools import pairwise
from pathlib import Path

import pytest
import trio
from captured_logs import capture_logs
from gateway.peers import Peer, request, serve_place
from trio.testing import wait_all_tasks_blocked

from trio_gateway.gateway.drain import drain
from trio_gateway.gateway.nodes.heartbeat import SLOTS, Heartbeat
from trio_gateway.gateway.server import OUT_OF_RESOURCES_SECONDS, ClientServer
from trio_gateway.gateway.shortage import CALM_SECONDS


@pytest.fixture
async def place():
    async with serve_place() as place:
        yield place


@pytest.fixture
async def server(place):
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    server = ClientServer(place.node, listener, place.application)
    server.address = listener.getsockname()
    await place.nursery.start(server.serve)
    yield server
    server.stop_accepting()


async def dial(place, server):
    peer = Peer(socket.create_connection(server.address))
    place.peers.append(peer)
    await peer.write(request())
    await peer.read_head()
    assert (await peer.receive())["type"] == "hello"
    return peer


async def test_clients_connect_over_tcp_without_delays_for_small_writes(place, server):
    peer = await dial(place, server)

    assert (await peer.ask(type="send", to="7", data=1))["type"] == "ok"
    (connection,) = place.node.connections
    nodelay = connection._socket._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert nodelay == 1


async def test_many_clients_at_once_are_all_accepted(place, server):
    peers = [Peer(socket.create_connection(server.address)) for _ in range(200)]
    place.peers += peers
    for peer in peers:
        await peer.write(request())
    for peer in peers:
        await peer.read_head()

    assert len(place.node.connections) == 200


class FailingListener(socket.socket):
    """Accept clients, after the errors in `failures`."""

    def __init__(self):
        super().__init__()
        self.failures = []
        self.bind(("127.0.0.1", 0))
        self.listen()

    def accept(self):
        if self.failures:
            raise self.failures.pop(0)
        return super().accept()


@pytest.fixture
async def failing(place):
    listener = FailingListener()
    server = ClientServer(place.node, listener, place.application)
    server.address = listener.getsockname()
    server.failures = listener.failures
    await place.nursery.start(server.serve)
    yield server
    server.stop_accepting()


async def test_a_machine_out_of_descriptors_is_waited_for(place, failing, autojump_clock):
    """accept() failing with EMFILE must not end the server; nor must a connection that was gone before its accept."""
    failing.failures += [OSError(errno.EMFILE, "too many"), ConnectionAbortedError(errno.ECONNABORTED, "gone")]

    assert await dial(place, failing)


async def test_a_shortage_is_told_when_it_begins_and_when_it_is_over(place, failing, autojump_clock):
    """Not at each of its attempts, ten a second; nor as over when one client left and the next one took its place."""
    with capture_logs() as lines:
        for _ in range(3):
            failing.failures += [OSError(errno.EMFILE, "Too many open files")] * 30
            await dial(place, failing)
        during = [line["event"] for line in lines if line["log_level"] == "warning"]
        await trio.sleep(CALM_SECONDS)
        after = [line for line in lines if line["event"] == "accepting connections again"]

    assert during == ["can't accept connections now"]
    assert [line["log_level"] for line in after] == ["info"]
    assert after[0]["seconds"] == pytest.approx(3 * 30 * OUT_OF_RESOURCES_SECONDS, abs=1)


async def test_each_shortage_is_told(place, failing, autojump_clock):
    with capture_logs() as lines:
        for _ in range(2):
            failing.failures.append(OSError(errno.ENFILE, "Too many open files in system"))
            await dial(place, failing)
            await trio.sleep(CALM_SECONDS + 1)

    assert [line["event"] for line in lines if "accept" in line["event"]] == [
        "can't accept connections now",
        "accepting connections again",
    ] * 2


async def test_accepting_may_end_during_a_shortage(place, failing, autojump_clock):
    failing.failures.append(OSError(errno.EMFILE, "Too many open files"))
    await dial(place, failing)
    failing.stop_accepting()
    await wait_all_tasks_blocked()

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(failing.address)


async def test_sockets_far_beyond_the_limit_are_closed_unread(autojump_clock, monkeypatch):
    monkeypatch.setattr("trio_gateway.gateway.server.SPARE_SOCKETS", 0)
    async with serve_place(max_connections=1) as place:
        listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        server = ClientServer(place.node, listener, place.application)
        server.address = listener.getsockname()
        await place.nursery.start(server.serve)
        await dial(place, server)
        late = Peer(socket.create_connection(server.address))
        place.peers.append(late)

        assert (await late.closed()).code is None
        server.stop_accepting()


async def test_after_accepting_ended_the_server_ends_with_its_last_connection(place, autojump_clock):
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    server = ClientServer(place.node, listener, place.application)
    server.address = listener.getsockname()
    ended = trio.Event()

    async def serve(task_status):
        await server.serve(task_status=task_status)
        ended.set()

    await place.nursery.start(serve)
    peer = await dial(place, server)
    server.stop_accepting()
    await wait_all_tasks_blocked()
    assert not ended.is_set()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(server.address)
    await peer.stream.aclose()
    await ended.wait()


class TestDrain:
    async def dial_many(self, place, count):
        return [await place.dial(f"/ws?user={number}") for number in range(count)]

    async def drained(self, place, peers, window):
        """Drain, and answer for each peer when its goodbye came (seconds since the drain began)."""
        times = {}
        start = trio.current_time()

        async def wait(peer):
            goodbye = await peer.receive_until("goodbye")
            times[peer] = trio.current_time() - start
            assert (goodbye["code"], goodbye["reason"]) == (3001, "shutdown")
            assert (await peer.closed()).code == 3001

        async with trio.open_nursery() as nursery:
            for peer in peers:
                nursery.start_soon(wait, peer)
            await drain(place.node, window)
        return times

    async def test_few_clients_are_gone_at_once(self, place, autojump_clock):
        times = await self.drained(place, await self.dial_many(place, 20), window=60)

        assert max(times.values()) < 1

    async def test_many_clients_are_spread_evenly_over_the_window(self, place, autojump_clock):
        times = sorted((await self.drained(place, await self.dial_many(place, 600), window=1)).values())

        assert times[-1] == pytest.approx(1, abs=0.2)
        assert times[300] == pytest.approx(0.5, abs=0.2)

    async def test_each_client_gets_a_time_of_its_own_to_return(self, place, autojump_clock):
        peers = await self.dial_many(place, 20)
        returns = []

        async def wait(peer):
            returns.append((await peer.receive_until("goodbye"))["reconnect_ms"])
            await peer.closed()

        async with trio.open_nursery() as nursery:
            for peer in peers:
                nursery.start_soon(wait, peer)
            await drain(place.node, 1)

        assert len(set(returns)) > 10

    async def test_who_was_not_told_goodbye_still_receives(self, place, autojump_clock, monkeypatch):
        monkeypatch.setattr("trio_gateway.gateway.drain.SLOWEST_GOODBYES_PER_SECOND", 1)
        first, last = await self.dial_many(place, 2)

        async def follow_last():
            message = await last.receive_until("message")
            assert message["data"] == "still here"
            await last.closed()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(drain, place.node, 10)
            await first.closed()
            await place.broker.publish("#1", b'"still here"')
            nursery.start_soon(follow_last)

    async def test_no_clients_need_no_time(self, place, autojump_clock):
        await drain(place.node, 10)

        assert trio.current_time() < 1

    async def test_an_opening_under_way_is_not_waited_for_long(self, place, autojump_clock):
        peer = place.wire()
        await peer.write(request()[:-2])
        await wait_all_tasks_blocked()
        await drain(place.node, 0)

        assert trio.current_time() < 2
        assert (await peer.closed()).code is None

    async def test_who_finishes_its_opening_during_the_drain_is_told_at_once(self, place, autojump_clock):
        peer = place.wire()
        await peer.write(request()[:-2])
        await wait_all_tasks_blocked()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(drain, place.node, 0)
            await wait_all_tasks_blocked()
            await peer.write(request()[-2:])
            await peer.read_head()
            assert (await peer.receive_until("goodbye"))["code"] == 3001
            assert (await peer.closed()).code == 3001

    async def test_who_finishes_its_opening_between_two_goodbyes_is_told_too(self, place, autojump_clock):
        peers = await self.dial_many(place, 50)
        late = place.wire()
        await late.write(request("/ws?user=late")[:-2])
        async with trio.open_nursery() as nursery:
            for peer in peers:
                nursery.start_soon(peer.closed)
            nursery.start_soon(drain, place.node, 10)
            await trio.sleep(0.03)
            await late.write(request()[-2:])
            await late.read_head()
            assert (await late.closed()).code == 3001

    async def test_a_client_that_answers_nothing_is_dropped_after_5_s(self, place, autojump_clock):
        peers = await self.dial_many(place, 3)
        await drain(place.node, 0)

        assert trio.current_time() == pytest.approx(5, abs=0.5)
        assert peers


class FakeConnection:
    def __init__(self):
        self.log = []

    def ping_nowait(self):
        self.log.append(("ping", trio.current_time()))

    def check_pong(self):
        self.log.append(("check", trio.current_time()))


async def test_every_connection_is_pinged_once_an_interval_and_checked_when_the_pong_is_due(nursery, autojump_clock):
    heartbeat = Heartbeat(25, 10)
    connections = [FakeConnection() for _ in range(50)]
    for connection in connections:
        heartbeat.add(connection)
    nursery.start_soon(heartbeat.serve)
    await trio.sleep(100.1)

    for connection in connections:
        pings = [time for kind, time in connection.log if kind == "ping"]
        checks = [time for kind, time in connection.log if kind == "check"]
        assert len(pings) == 4
        assert all(later - earlier == pytest.approx(25) for earlier, later in pairwise(pings))
        assert all(any(check - ping == pytest.approx(10) for check in checks) for ping in pings[:-1])


async def test_pings_of_who_came_at_once_are_spread_over_half_the_interval(nursery, autojump_clock):
    heartbeat = Heartbeat(25, 10)
    slots = {heartbeat.add(FakeConnection()) for _ in range(1000)}

    assert len(slots) > SLOTS / 2 * 0.9


async def test_a_connection_that_was_removed_is_not_pinged(nursery, autojump_clock):
    heartbeat = Heartbeat(25, 10)
    connection = FakeConnection()
    heartbeat.remove(connection, heartbeat.add(connection))
    nursery.start_soon(heartbeat.serve)
    await trio.sleep(60)

    assert connection.log == []


async def test_nothing_is_left_after_connects_and_ends_of_every_kind(place, server):
    """2,000 clients close, reset, vanish half-way through the handshake, or break the protocol."""

    def descriptors():
        return len(list(Path("/proc/self/fd").iterdir()))

    await wait_all_tasks_blocked()
    tasks, files = trio.lowlevel.current_statistics().tasks_living, descriptors()

    async def come_and_go(kind):
        peer = Peer(socket.create_connection(server.address))
        if kind == "handshake":
            await peer.write(request()[: 20 + kind.__len__()])
        else:
            await peer.write(request())
            await peer.read_head()
            if kind == "close":
                await peer.write(b"\x88\x80\x00\x00\x00\x00")
                await peer.closed()
            elif kind == "broken":
                await peer.write(b"\x00\x00")
                await peer.closed()
        if kind == "reset":
            peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        peer.stream.socket.close()

    for _ in range(25):
        async with trio.open_nursery() as nursery:
            for number in range(80):
                nursery.start_soon(come_and_go, ("close", "reset", "handshake", "broken", "end")[number % 5])
    with trio.fail_after(30):
        while place.node.sockets:
            await trio.sleep(0.01)
    await wait_all_tasks_blocked()

    assert trio.lowlevel.current_statistics().tasks_living == tasks
    assert descriptors() == files
    assert place.node.hub.statistics().subscriptions == 0
    assert not any(place.node.heartbeat._ring)
