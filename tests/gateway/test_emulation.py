"""The Centrifugo protocol over streams: replies and pushes are a response, and commands come by posts, at any node."""

from __future__ import annotations

from urllib.parse import quote

import msgspec
import pytest
import trio
from gateway.peers import NOTHING, SECRET, serve_place, serve_sdk_place, token
from gateway.shared_broker import SharedBroker
from gateway.streams import EmulatedPeer, StreamPeer, http_request
from trio.testing import wait_all_tasks_blocked

from trio_gateway.broker.broker import Leave
from trio_gateway.broker.limits import Limits
from trio_gateway.gateway.nodes.neighbours import KNOWN_SECONDS
from trio_gateway.gateway.nodes.posts import ANSWER_SECONDS
from trio_gateway.gateway.nodes.survey import NODES_CHANNEL
from trio_gateway.gateway.transport.stream import MESSAGE_BYTES, WAITING_BYTES
from trio_gateway.hooks.hooks import Hooks
from trio_gateway.model.directives import DisconnectUser
from trio_gateway.model.errors import BrokerUnavailable, UnknownSession

LINES = "/connection/http_stream"
EVENTS = "/connection/sse"

MOST_WAITING = WAITING_BYTES // (MESSAGE_BYTES + len('{"id":2,"rpc":{"method":"x"}}'))
"""Of small messages: one less where their ids are longer."""


@pytest.fixture
async def place():
    async with serve_sdk_place() as place:
        yield place


async def connect(place, path=LINES, user="7", **claims):
    peer = place.wire(speak=EmulatedPeer)
    return await peer.connect(place.node, path, token=token(user, **claims))


class TestOpening:
    @pytest.mark.parametrize(("path", "kind"), [(LINES, "application/x-ndjson"), (EVENTS, "text/event-stream")])
    async def test_the_first_command_opens_the_stream(self, place, path, kind):
        peer = await connect(place, path)

        assert f"Content-Type: {kind}\r\n" in peer.head
        assert peer.connected["node"] == place.node.uid
        assert len(peer.connected["session"]) >= 20
        assert (peer.connected["ping"], peer.connected["pong"]) == (25, True)

    async def test_a_browser_says_it_in_the_query(self, place):
        peer = place.wire(speak=StreamPeer)
        command = msgspec.json.encode({"id": 1, "connect": {"token": token("7")}}).decode()
        await peer.open(http_request(f"{EVENTS}?cf_connect={quote(command)}"))

        assert (await peer.receive())["connect"]["client"]

    async def test_no_two_sessions_are_alike_and_none_is_told_over_websocket(self, place):
        sessions = {(await connect(place)).connected["session"] for _ in range(3)}
        over_websocket = await place.connect()

        assert len(sessions) == 3
        assert not {"session", "node"} & over_websocket.connected.keys()

    @pytest.mark.parametrize(
        ("path", "body", "status"),
        [
            (LINES, b"", 400),
            (LINES, b"{", 400),
            (LINES, b"\xff", 400),
            (LINES, b'{"connect":{}}', 400),
            (LINES, b'{"id":1,"nonsense":{}}', 400),
            (LINES, b"[" * 60_000, 400),
            (LINES, b"x" * 200_000, 413),
            (LINES, None, 405),
            (EVENTS, None, 400),
        ],
    )
    async def test_what_can_not_be_read_opens_nothing(self, place, path, body, status, autojump_clock):
        refused, answer, _ = await place.refused(http_request(path, body))

        assert (refused, answer["code"]) == (status, 107)
        assert answer["detail"]
        assert place.left == NOTHING

    async def test_what_connects_not_first_ends_the_stream(self, place, autojump_clock):
        peer = await place.wire(speak=StreamPeer).open(http_request(LINES, {"id": 1, "rpc": {}}))

        assert await peer.closed() == [{"push": {"disconnect": {"code": 3501, "reason": "bad request"}}}]

    async def test_a_wrong_token_ends_the_stream(self, place, autojump_clock):
        peer = await place.wire(speak=StreamPeer).open(http_request(LINES, {"id": 1, "connect": {"token": "x"}}))

        assert await peer.closed() == [{"push": {"disconnect": {"code": 3500, "reason": "invalid token"}}}]

    async def test_an_expired_token_is_answered_and_the_stream_ends_when_nothing_follows(self, place, autojump_clock):
        peer = place.wire(speak=StreamPeer)
        await peer.open(http_request(LINES, {"id": 1, "connect": {"token": token("7", exp=1)}}))
        reply, push = await peer.closed()

        assert reply["error"]["code"] == 109
        assert push == {"push": {"disconnect": {"code": 3502, "reason": "stale"}}}


class TestCommands:
    @pytest.mark.parametrize("path", [LINES, EVENTS])
    async def test_they_are_answered_in_the_stream(self, place, path):
        peer = await connect(place, path)
        await peer.do("subscribe", channel="open:x")
        await peer.do("publish", channel="open:x", data={"text": "hi"})

        assert (await peer.push())["pub"]["data"] == {"text": "hi"}

    async def test_one_post_may_hold_several(self, place):
        peer = await connect(place)
        await peer.post(
            {"id": 8, "subscribe": {"channel": "open:x"}}, {"id": 9, "publish": {"channel": "open:x", "data": 1}}
        )

        assert [reply.get("id") or reply["push"]["pub"]["data"] for reply in [await peer.next() for _ in range(3)]] in (
            [8, 9, 1],
            [8, 1, 9],
        )

    async def test_a_session_that_is_not_there_is_unknown(self, place):
        peer = await connect(place)
        for node, session in ((place.node.uid, "x"), ("x", peer.connected["session"]), ("", "")):
            with pytest.raises(UnknownSession):
                await place.node.posts.post(node, session, "{}")

    async def test_a_session_that_ended_is_unknown(self, place):
        peer = await connect(place)
        await peer.stream.aclose()
        await wait_all_tasks_blocked()

        with pytest.raises(UnknownSession):
            await peer.post({"id": 2, "rpc": {}})
        assert not place.node.streams
        assert place.left == NOTHING

    async def test_what_breaks_the_protocol_ends_the_stream(self, place, autojump_clock):
        peer = await connect(place)
        await place.node.posts.post(place.node.uid, peer.connected["session"], "{")

        assert (await peer.closed())[-1]["push"]["disconnect"]["code"] == 3501

    async def test_what_was_handed_over_before_the_client_left_takes_effect(self, place):
        listener = await place.connect("8")
        await listener.do("subscribe", channel="open:x")
        peer = await connect(place)
        publishes = [{"id": 2 + number, "publish": {"channel": "open:x", "data": number}} for number in range(3)]
        await peer.post(*publishes)
        await peer.stream.aclose()

        assert [(await listener.push())["pub"]["data"] for _ in range(3)] == [0, 1, 2]

    async def test_a_client_has_only_so_many_messages_waiting(self, autojump_clock):
        asked, answer = trio.Event(), trio.Event()

        async def slow(_client, _message):
            asked.set()
            await answer.wait()

        async with serve_sdk_place(hooks=Hooks(on_message=slow)) as place:
            peer = await connect(place)
            handed_over = []

            async def post(number):
                await peer.post({"id": number, "rpc": {"method": "x"}})
                handed_over.append(number)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(post, 2)
                await asked.wait()
                for number in range(3, 103):
                    nursery.start_soon(post, number)
                await wait_all_tasks_blocked()
                assert 1 < len(handed_over) <= 1 + MOST_WAITING
                answer.set()

            assert sorted([(await peer.next())["id"] for _ in range(101)]) == list(range(2, 103))

    async def test_what_was_taken_before_a_stop_takes_effect(self, autojump_clock):
        answer = trio.Event()

        async def slow(_client, _message):
            await answer.wait()

        async with serve_sdk_place(hooks=Hooks(on_message=slow)) as place:
            listener, peer = await place.connect("8"), await connect(place)
            await listener.do("subscribe", channel="open:x")
            await peer.post({"id": 2, "publish": {"channel": "open:x", "data": 1}})
            await wait_all_tasks_blocked()
            for number in range(3, 6):
                await peer.post({"id": number, "publish": {"channel": "open:x", "data": number}})
            await place.node.control.tell(DisconnectUser(user="7", code=3001, reason="shutdown"))
            await wait_all_tasks_blocked()
            answer.set()
            replies = await peer.closed()

            assert [(await listener.push())["pub"]["data"] for _ in range(4)] == [1, 3, 4, 5]
        assert [reply.get("id") for reply in replies] == [2, 3, 4, 5, None]

    async def test_few_large_ones_are_as_many_small_ones(self, autojump_clock):
        async def slow(_client, _message):
            await trio.sleep_forever()

        async with serve_sdk_place(hooks=Hooks(on_message=slow)) as place:
            peer = await connect(place)
            command = {"id": 2, "rpc": {"method": "x", "data": "x" * 65_000}}
            for _ in range(1 + WAITING_BYTES // (65_000 + MESSAGE_BYTES)):
                await peer.post(command)
            with pytest.raises(BrokerUnavailable):
                await peer.post(command)

    async def test_who_posts_to_one_that_ends_meanwhile_is_told(self, autojump_clock):
        answer = trio.Event()

        async def slow(_client, _message):
            await answer.wait()

        async with serve_sdk_place(hooks=Hooks(on_message=slow)) as place:
            peer = await connect(place)
            for number in range(1 + MOST_WAITING):
                await peer.post({"id": 2 + number, "rpc": {"method": "x"}})
            unknown = []

            async def post():
                try:
                    await peer.post({"id": 20, "rpc": {"method": "x"}})
                except UnknownSession as error:
                    unknown.append(error)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(post)
                await wait_all_tasks_blocked()
                await peer.stream.aclose()
                await wait_all_tasks_blocked()
                answer.set()

        assert unknown

    async def test_who_posts_to_one_that_is_too_busy_for_long_is_told(self, autojump_clock):
        async def slow(_client, _message):
            await trio.sleep_forever()

        async with serve_sdk_place(hooks=Hooks(on_message=slow)) as place:
            peer = await connect(place)
            for number in range(1 + MOST_WAITING):
                await peer.post({"id": 2 + number, "rpc": {"method": "x"}})
            started = trio.current_time()
            with pytest.raises(BrokerUnavailable):
                await peer.post({"id": 20, "rpc": {"method": "x"}})

        assert trio.current_time() - started == pytest.approx(ANSWER_SECONDS, abs=1)

    async def test_a_back_end_names_one_client_by_its_session(self, place, autojump_clock):
        one, other = await connect(place), await connect(place)
        over_websocket = await place.connect("7")
        session = one.connected["session"]
        await place.node.control.tell(DisconnectUser(user="7", session=session, code=4500, reason="enough"))

        assert (await one.closed())[-1]["push"]["disconnect"]["code"] == 4500
        assert "error" in await other.ask("rpc", method="x")
        assert "error" in await over_websocket.ask("rpc", method="x")


class TestPings:
    async def test_pings_of_websockets_are_not_for_streams(self, place):
        peer = await connect(place, f"{LINES}?cf_ws_frame_ping_pong=true")

        assert (peer.connected["ping"], peer.connected["pong"]) == (25, True)

    async def test_a_client_that_answers_by_posts_stays(self, place, autojump_clock):
        peer = await connect(place)
        with trio.move_on_after(200):
            await peer.next()

        assert peer.pings in (7, 8)
        assert "error" in await peer.ask("rpc", method="x")

    async def test_one_that_answers_none_is_told_why_it_ends(self, place, autojump_clock):
        peer = await connect(place)

        assert (await peer.closed())[-1] == {"push": {"disconnect": {"code": 3012, "reason": "no pong"}}}


class TestOtherNodes:
    @pytest.fixture
    async def nodes(self):
        broker = SharedBroker()
        settings = {"insecure": False, "token_secret": SECRET}
        async with (
            serve_place(broker=broker, **settings) as one,
            serve_place(broker=SharedBroker(beside=broker), **settings) as other,
        ):
            yield one, other

    async def test_a_command_finds_its_session_from_any_node(self, nodes, autojump_clock):
        one, other = nodes
        peer = await connect(one)
        await peer.do("subscribe", channel="open:x", node=other.node)
        await peer.do("publish", channel="open:x", data=1, node=other.node)

        assert (await peer.push())["pub"]["data"] == 1

    async def test_the_commands_of_one_client_keep_their_order(self, nodes, autojump_clock):
        one, other = nodes
        peer = await connect(one)
        for number in range(20):
            await peer.post({"id": 2 + number, "rpc": {"method": "x"}}, node=other.node)

        assert [(await peer.next())["id"] for _ in range(20)] == list(range(2, 22))

    async def test_a_session_that_is_not_at_its_node_is_unknown(self, nodes, autojump_clock):
        one, other = nodes
        with pytest.raises(UnknownSession):
            await other.node.posts.post(one.node.uid, "x", "{}")

    async def test_a_node_that_is_not_there_is_no_new_channel_in_the_store(self, nodes, autojump_clock):
        _one, other = nodes
        await wait_all_tasks_blocked()
        before = len(other.broker._metas)
        for number in range(20):
            with pytest.raises(UnknownSession):
                await other.node.posts.post(f"nobody-{number}", "x", "{}")

        assert len(other.broker._metas) == before

    async def test_a_node_that_went_silent_is_unknown_whether_it_took_it(self, nodes, autojump_clock):
        one, other = nodes
        peer = await connect(one)
        one.broker.deaf = True
        started = trio.current_time()
        with pytest.raises(BrokerUnavailable):
            await peer.post({"id": 5, "rpc": {"method": "x"}}, node=other.node)

        assert trio.current_time() - started == pytest.approx(ANSWER_SECONDS, abs=1)

    async def test_a_client_that_takes_nothing_keeps_no_other_clients_posts_waiting(self, autojump_clock):
        broker = SharedBroker()

        async def slow(client, _message):
            if client.user.id == "evil":
                await trio.sleep_forever()

        hooks = Hooks(on_message=slow)
        async with (
            serve_sdk_place(broker=broker, hooks=hooks) as one,
            serve_sdk_place(broker=SharedBroker(beside=broker), hooks=hooks) as other,
        ):
            evil, victim = await connect(one, user="evil"), await connect(one, user="victim")
            given_up = []

            async def flood(number):
                try:
                    await evil.post({"id": 2 + number, "rpc": {"method": "x"}}, node=other.node)
                except BrokerUnavailable as error:
                    given_up.append(error)

            async with trio.open_nursery() as nursery:
                for number in range(500):
                    nursery.start_soon(flood, number)
                await wait_all_tasks_blocked()
                started = trio.current_time()
                await victim.ask("rpc", node=other.node, method="x")
                assert trio.current_time() - started < 1

            assert len(given_up) == 500 - 1 - MOST_WAITING

    async def test_after_the_store_lost_everything_a_session_is_found_all_the_same(self, nodes, autojump_clock):
        one, other = nodes
        peer = await connect(one)
        await other.broker.leave([Leave(NODES_CHANNEL, each.node.uid) for each in nodes])
        await trio.sleep(KNOWN_SECONDS)

        assert "error" in await peer.ask("rpc", node=other.node, method="x")

    async def test_many_strangers_cost_one_read_of_the_store(self, nodes, autojump_clock):
        _one, other = nodes
        reads = []

        async def note(name):
            reads.append(name)

        async def ask(number):
            with pytest.raises(UnknownSession):
                await other.node.posts.post(f"nobody-{number}", "x", "{}")

        await trio.sleep(KNOWN_SECONDS)
        other.broker.trouble = note
        async with trio.open_nursery() as nursery:
            for number in range(50):
                nursery.start_soon(ask, number)

        assert reads.count("presence") <= 2

    async def test_what_nodes_tell_each_other_has_no_bound_of_the_applications(self, autojump_clock):
        broker = SharedBroker(limits=Limits(max_publication_size=100))
        async with (
            serve_sdk_place(broker=broker) as one,
            serve_sdk_place(broker=SharedBroker(beside=broker, limits=Limits(max_publication_size=100))) as other,
        ):
            peer = await connect(one)

            assert "error" in await peer.ask("rpc", node=other.node, method="x" * 1000)
