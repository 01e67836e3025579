"""The plain protocol as a stream of events: a browser's EventSource hears what a WebSocket would, and resumes by itself."""

from __future__ import annotations

import socket

import pytest
import trio
from gateway.peers import NOTHING, NOW, SECRET, serve_place, tcp_pair, token, unix_time
from gateway.shared_broker import SharedBroker
from gateway.streams import StreamPeer, http_request
from trio.testing import wait_all_tasks_blocked

from trio_gateway.broker.limits import Limits
from trio_gateway.broker.memory import MemoryBroker
from trio_gateway.model.directives import DisconnectUser
from trio_gateway.model.errors import BrokerUnavailable
from trio_gateway.settings.namespaces import InboxRules, Namespaces
from trio_gateway.wire.framing import AWAY_MS


@pytest.fixture
async def place():
    async with serve_place() as place:
        yield place


async def listen(place, path="/sse?user=7", *, headers=(), **wiring):
    """Open a stream as a browser does; answers it, greeted."""
    peer = place.wire(speak=StreamPeer, **wiring)
    await peer.open(http_request(path, headers=[("Accept", "text/event-stream"), *headers]))
    peer.hello = await peer.receive()
    return peer


async def publish(place, *data, user="7"):
    for one in data:
        await place.broker.publish(f"#{user}", b"%d" % one)


def refused(place, path="/sse?user=7", **options):
    return place.refused(http_request(path, **options))


class TestOpening:
    async def test_the_response_is_a_stream_that_no_proxy_keeps_or_holds_back(self, place):
        peer = await listen(place)

        assert "Content-Type: text/event-stream\r\n" in peer.head
        assert "no-store" in peer.head
        assert "X-Accel-Buffering: no\r\n" in peer.head
        assert "Connection: close\r\n" in peer.head
        assert "Access-Control" not in peer.head

    async def test_the_first_event_is_hello_with_the_position_where_delivery_starts(self, place):
        await publish(place, 1, 2)
        peer = await listen(place)

        assert (peer.hello["type"], peer.hello["user"]) == ("hello", "7")
        assert peer.last_id == peer.hello["position"]
        assert peer.last_id.endswith(":2")

    async def test_it_takes_the_parameters_of_the_websocket(self, place):
        await publish(place, 1, 2)
        peer = await listen(place, "/sse?uid=7&since=0")

        assert [(await peer.receive())["data"] for _ in range(2)] == [1, 2]

    async def test_a_client_of_http_1_0_is_served_alike(self, place):
        peer = place.wire(speak=StreamPeer)
        await peer.open(http_request("/sse?user=7", version="1.0"))

        assert (await peer.receive())["type"] == "hello"

    async def test_a_token_is_taken_from_the_query_or_the_header(self, autojump_clock):
        async with serve_place(insecure=False, token_secret=SECRET) as place:
            by_query = await listen(place, f"/sse?token={token('42')}")
            by_header = await listen(place, "/sse", headers=[("Authorization", f"Bearer {token('43')}")])

        assert (by_query.hello["user"], by_header.hello["user"]) == ("42", "43")

    @pytest.mark.parametrize("path", ["/sse", "/sse?user=7", "/sse?token=nonsense"])
    async def test_without_a_valid_identity_it_is_refused(self, path, autojump_clock):
        async with serve_place(insecure=False, token_secret=SECRET) as place:
            status, body, _ = await refused(place, path)

        assert (status, body) == (401, {"code": 101, "message": "unauthorized"})

    @pytest.mark.parametrize("query", ["since=x", "device=", "ping=x", "since=0&since=0"])
    async def test_a_malformed_parameter_is_refused_with_the_reason(self, place, query):
        status, body, _ = await refused(place, f"/sse?user=7&{query}")

        assert (status, body["code"]) == (400, 107)
        assert body["detail"]

    async def test_a_foreign_origin_is_refused_and_may_not_read_why(self, place):
        status, body, head = await refused(place, headers=[("Origin", "https://evil.test")])

        assert (status, body["code"]) == (403, 103)
        assert "Access-Control" not in head

    async def test_a_page_of_an_allowed_origin_may_read_the_stream_and_refusals(self, autojump_clock):
        async with serve_place(allowed_origins=["https://app.test"]) as place:
            origin = [("Origin", "https://app.test")]
            peer = await listen(place, headers=origin)
            _, _, head = await refused(place, "/sse", headers=origin)

        for each in (peer.head, head):
            assert "Access-Control-Allow-Origin: https://app.test\r\n" in each

    @pytest.mark.parametrize("method", ["POST", "PUT", "HEAD", "DELETE", "OPTIONS"])
    async def test_other_methods_are_refused(self, place, method):
        peer = place.wire()
        await peer.write(http_request("/sse?user=7", method=method))

        head = await peer.read_head()
        assert head.startswith("HTTP/1.1 405 ")
        assert "Allow: GET\r\n" in head

    async def test_a_browser_that_is_refused_for_now_is_told_to_come_back(self, autojump_clock):
        """An EventSource gives up for good at any status but 200."""
        async with serve_place(max_connections=1) as place:
            await listen(place)
            peer = await listen(place)

            assert (peer.hello["type"], peer.hello["reconnect_ms"], peer.retry) == ("goodbye", 5000, 5000)
            assert await peer.closed() == []

    async def test_everybody_else_gets_the_status(self, autojump_clock):
        async with serve_place(max_connections=1) as place:
            await listen(place)
            status, body, head = await refused(place)

        assert (status, body["code"]) == (503, 106)
        assert "Retry-After: 5\r\n" in head

    async def test_a_store_that_is_away_is_for_now(self, autojump_clock):
        class Away(MemoryBroker):
            async def attach(self, channel, **_options):
                raise BrokerUnavailable(channel)

        async with serve_place(broker=Away(namespaces=Namespaces(), limits=Limits())) as place:
            status, _, _ = await refused(place)
            peer = await listen(place)

        assert (status, peer.hello["type"], peer.retry) == (503, "goodbye", 1000)


class TestDelivery:
    async def test_messages_come_in_order_each_with_its_position(self, place):
        peer = await listen(place)
        epoch = peer.last_id.partition(":")[0]
        for number in range(1, 4):
            await publish(place, number)
            message = await peer.receive()

            assert (message["type"], message["channel"], message["data"]) == ("message", "#7", number)
            assert peer.last_id == f"{epoch}:{number}"

    async def test_whoever_comes_back_goes_on_behind_the_last_event(self, place):
        first = await listen(place)
        await publish(place, 1, 2)
        await first.receive()
        await first.stream.aclose()
        await publish(place, 3)
        again = await listen(place, headers=[("Last-Event-ID", first.last_id)])

        assert [(await again.receive())["data"] for _ in range(2)] == [2, 3]

    async def test_the_last_event_wins_over_where_the_stream_was_first_opened(self, place):
        await publish(place, 1, 2, 3)
        first = await listen(place, "/sse?user=7&since=0&device=tab")
        epoch = first.last_id.partition(":")[0]
        again = await listen(place, "/sse?user=7&since=0&device=tab", headers=[("Last-Event-ID", f"{epoch}:2")])

        assert (await again.receive())["data"] == 3

    async def test_a_device_starts_at_its_cursor(self, place):
        first = await listen(place, "/sse?user=7&device=tab")
        await first.stream.aclose()
        await publish(place, 1)
        again = await listen(place, "/sse?user=7&device=tab")

        assert (await again.receive())["data"] == 1

    async def test_what_is_gone_is_announced_with_the_position_behind_it(self, autojump_clock):
        namespaces = Namespaces(inbox=InboxRules(history_size=1))
        async with serve_place(namespaces=namespaces) as place:
            first = await listen(place)
            await first.stream.aclose()
            await publish(place, 1, 2, 3)
            again = await listen(place, headers=[("Last-Event-ID", first.last_id)])
            gap = await again.receive()

            assert (gap["type"], gap["from"], gap["to"], again.last_id) == ("gap", 1, 2, gap["position"])
            assert (await again.receive())["data"] == 3

    async def test_positions_of_a_new_epoch_are_told_as_such(self, autojump_clock):
        broker = SharedBroker()
        async with serve_place(broker=broker) as place:
            peer = await listen(place)
            await publish(place, 1)
            await peer.receive()
            old = peer.last_id.partition(":")[0]
            for keep in (broker._metas, broker._streams):
                keep.discard("#7")
            await publish(place, 2, 3)
            gap = await peer.receive()
            messages = [await peer.receive() for _ in range(2)]

        new = gap["position"].partition(":")[0]
        assert new != old
        assert [message["data"] for message in messages] == [2, 3]
        assert peer.last_id == f"{new}:2"

    async def test_a_listener_that_does_not_read_catches_up_from_the_store(self, place):
        peer = await listen(place, send_buffer=4096)
        text = b'"%s"' % (b"x" * 1000)
        for _ in range(100):
            await place.broker.publish("#7", text)
        await wait_all_tasks_blocked()

        assert [(await peer.receive())["offset"] for _ in range(100)] == list(range(1, 101))

    async def test_comments_keep_the_stream_alive(self, place, autojump_clock):
        peer = await listen(place)
        await trio.sleep(100)
        await publish(place, 1)

        assert (await peer.receive())["data"] == 1
        assert peer.comments in (3, 4)

    async def test_pings_are_events_for_who_asks_for_them(self, place, autojump_clock):
        peer = await listen(place, "/sse?user=7&ping=json")
        await trio.sleep(60)

        assert (await peer.receive())["type"] == "ping"
        assert peer.comments == 0
        assert len(place.node.connections) == 1


class TestEnding:
    async def test_a_listener_that_leaves_is_gone_at_once(self, place):
        peer = await listen(place)
        await peer.stream.aclose()
        await wait_all_tasks_blocked()

        assert place.left == NOTHING

    async def test_so_is_one_that_resets(self, place):
        peer = await listen(place, pair=tcp_pair)
        peer.stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        peer.stream.socket.close()
        with trio.fail_after(5):
            while place.node.connections:
                await trio.sleep(0.01)

        assert place.left == NOTHING

    async def test_who_goes_on_sending_is_no_listener(self, place, autojump_clock):
        peer = await listen(place)
        await peer.write(http_request("/sse?user=7"))

        assert await peer.closed() == []
        assert place.left == NOTHING

    async def test_a_goodbye_tells_when_to_come_back(self, place, autojump_clock):
        peer = await listen(place)
        (connection,) = place.node.connections
        connection.obey(DisconnectUser(user="7", code=3001, reason="shutdown"))
        (goodbye,) = await peer.closed()

        assert (goodbye["type"], goodbye["code"]) == ("goodbye", 3001)
        assert goodbye["reconnect_ms"] == peer.retry
        await peer.stream.aclose()
        await wait_all_tasks_blocked()
        assert place.left == NOTHING

    async def test_who_must_not_come_back_stays_away_for_a_day(self, place, autojump_clock):
        """A browser's EventSource comes back by itself, whatever a goodbye says."""
        peer = await listen(place)
        (connection,) = place.node.connections
        connection.obey(DisconnectUser(user="7", code=3503, reason="force disconnect"))
        (goodbye,) = await peer.closed()

        assert "reconnect_ms" not in goodbye
        assert peer.retry == AWAY_MS

    async def test_a_token_that_expires_ends_the_stream(self, autojump_clock):
        async with serve_place(insecure=False, token_secret=SECRET, clock=unix_time) as place:
            peer = await listen(place, f"/sse?token={token('7', exp=NOW + 5)}")
            (goodbye,) = await peer.closed()

        assert goodbye["code"] == 3005
        assert trio.current_time() == pytest.approx(5 + 25, abs=2)
