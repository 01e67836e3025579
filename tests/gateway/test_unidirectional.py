"""Clients that only listen connect by one request and get bare pushes, over WebSocket, events and lines (protocol §12)."""

from __future__ import annotations

from urllib.parse import quote

import msgspec
import pytest
import trio
from gateway.peers import NOTHING, NOW, Closed, SdkPeer, request, serve_sdk_place, token
from gateway.shared_broker import SharedBroker
from gateway.streams import StreamPeer, http_request
from trio.testing import wait_all_tasks_blocked
from wire.client_frames import client_frame

from trio_gateway.model.directives import DisconnectUser, RefreshUser, SubscribeUser, UnsubscribeUser
from trio_gateway.settings.namespaces import ChannelRules, Namespaces
from trio_gateway.wire.framing import AWAY_MS

WEBSOCKET = "/connection/uni_websocket"
EVENTS = "/connection/uni_sse"
LINES = "/connection/uni_http_stream"
PATHS = (WEBSOCKET, EVENTS, LINES)
NAMESPACES = Namespaces(
    named={
        "open": ChannelRules(allow_subscribe_for_client=True, allow_publish_for_client=True, force_recovery=True),
        "closed": ChannelRules(),
    }
)


class PushedPeer(SdkPeer):
    """Read bare pushes from a WebSocket."""

    async def receive(self):
        while True:
            with trio.fail_after(100):
                push = msgspec.json.decode(await self.receive_text())
            if push:
                return push
            self.pings += 1

    async def closed(self):
        pushes = []
        try:
            while True:
                pushes.append(await self.receive())
        except Closed as closed:
            self.close_code = closed.code
            return pushes


@pytest.fixture
async def place():
    async with serve_sdk_place(namespaces=NAMESPACES) as place:
        yield place


async def open_at(place, path, asked):
    """Open one of the three with what is asked, a JSON value or bytes."""
    if path != WEBSOCKET:
        return await place.wire(speak=StreamPeer).open(http_request(path, asked))
    peer = place.wire(speak=PushedPeer)
    text = asked if isinstance(asked, bytes) else msgspec.json.encode(asked)
    await peer.write(request(path) + client_frame(text))
    await peer.read_head()
    return peer


async def connect(place, path, user="7", *, subs=None, **claims):
    peer = await open_at(place, path, {"token": token(user, **claims), "subs": subs or {}})
    peer.connected = (await peer.receive())["connect"]
    return peer


@pytest.mark.parametrize("path", PATHS)
class TestEach:
    async def test_the_first_push_greets(self, place, path):
        peer = await connect(place, path, channels=["open:x"])

        assert peer.connected["client"]
        assert peer.connected["ping"] == 25
        assert "pong" not in peer.connected
        assert peer.connected["subs"].keys() == {"#7", "open:x"}
        assert "node" not in peer.connected

    async def test_a_back_end_may_name_it_by_its_session(self, place, path):
        peers = [await connect(place, path) for _ in range(2)]
        for channel, peer in (("open:0", peers[0]), ("open:1", peers[1])):
            session = peer.connected["session"]
            await place.node.control.tell(SubscribeUser(user="7", channel=channel, session=session))

        assert [(await peer.receive())["channel"] for peer in peers] == ["open:0", "open:1"]

    async def test_publications_are_bare_pushes(self, place, path):
        peer = await connect(place, path, channels=["open:x"])
        await place.broker.publish("open:x", b'{"text":"hi"}')
        push = await peer.receive()

        assert (push["channel"], push["pub"]["data"]) == ("open:x", {"text": "hi"})

    async def test_it_may_ask_for_channels_that_it_could_subscribe_to_by_itself(self, place, path):
        peer = await connect(place, path, subs={"open:x": {}, "closed:x": {}})

        assert peer.connected["subs"].keys() == {"#7", "open:x"}

    async def test_it_recovers_in_the_greeting(self, place, path):
        first = await connect(place, path, subs={"open:x": {}})
        at = first.connected["subs"]["open:x"]
        await place.broker.publish("open:x", b"1")
        asked = {"recover": True, "epoch": at["epoch"], "offset": at.get("offset", 0)}
        again = await connect(place, path, subs={"open:x": asked})

        recovered = again.connected["subs"]["open:x"]
        assert recovered["recovered"]
        assert [publication["data"] for publication in recovered["publications"]] == [1]

    async def test_the_server_subscribes_and_unsubscribes_it(self, place, path):
        peer = await connect(place, path)
        (client,) = place.node.clients.all()
        client.obey(SubscribeUser(user="7", channel="open:y"))
        subscribe = await peer.receive()
        client.obey(UnsubscribeUser(user="7", channel="open:y"))
        unsubscribe = await peer.receive()

        assert (subscribe["channel"], "subscribe" in subscribe) == ("open:y", True)
        assert unsubscribe["unsubscribe"]["code"] == 2000

    async def test_it_learns_that_it_was_given_another_end(self, place, path):
        peer = await connect(place, path)
        await place.node.control.tell(RefreshUser(user="7", expire_at=int(place.node.clock()) + 3600))
        moved = await peer.receive()
        await place.node.control.tell(RefreshUser(user="7"))

        assert (moved["refresh"]["expires"], moved["refresh"]["ttl"]) == (True, pytest.approx(3600, abs=60))
        assert await peer.receive() == {"refresh": {}}

    async def test_pings_come_and_ask_for_nothing(self, place, path, autojump_clock):
        await connect(place, path)
        await trio.sleep(200)

        assert len(place.node.connections) == (1 if path != WEBSOCKET else 0)

    async def test_an_end_is_told(self, place, path, autojump_clock):
        peer = await connect(place, path)
        (client,) = place.node.clients.all()
        client.obey(DisconnectUser(user="7", code=3503, reason="force disconnect"))

        assert (await peer.closed())[-1] == {"disconnect": {"code": 3503, "reason": "force disconnect"}}

    @pytest.mark.parametrize(
        ("asked", "code"),
        [
            ({"token": token("7", exp=NOW - 100)}, 3005),
            ({"token": token("7", channels=["nowhere:x"])}, 3004),
            ({"token": "nonsense"}, 3500),
            ({}, 3501),
        ],
    )
    async def test_an_error_at_connect_is_an_end(self, place, path, asked, code, autojump_clock):
        peer = await open_at(place, path, asked)

        assert (await peer.closed())[-1]["disconnect"]["code"] == code

    async def test_who_leaves_leaves_nothing(self, place, path):
        peer = await connect(place, path)
        await peer.stream.aclose()
        await wait_all_tasks_blocked()

        assert place.left == NOTHING


@pytest.mark.parametrize("path", [WEBSOCKET, EVENTS])
async def test_the_request_may_stand_in_the_query(place, path):
    asked = quote(msgspec.json.encode({"token": token("7")}).decode())
    speak = PushedPeer if path == WEBSOCKET else StreamPeer
    peer = place.wire(speak=speak)
    query = f"{path}?cf_connect={asked}"
    await peer.write(request(query) if path == WEBSOCKET else http_request(query))
    peer.head = await peer.read_head()

    assert "connect" in await peer.receive()


async def test_a_listener_that_says_nothing_is_anonymous(autojump_clock):
    async with serve_sdk_place(allow_anonymous_connect_without_token=True) as place:
        peer = await place.wire(speak=StreamPeer).open(http_request(EVENTS))

        assert "connect" in await peer.receive()


@pytest.mark.parametrize("path", [EVENTS, LINES])
@pytest.mark.parametrize("body", [b"", b"[]", b'{"token":1}'])
async def test_what_is_no_request_to_connect_opens_no_stream(place, path, body, autojump_clock):
    status, answer, _ = await place.refused(http_request(path, body))

    assert (status, answer["code"]) == (400, 107)


@pytest.mark.parametrize("path", [EVENTS, LINES])
async def test_a_request_in_protobuf_is_told_that_json_is_spoken(place, path, autojump_clock):
    binary = [("Content-Type", "application/octet-stream")]
    status, answer, _ = await place.refused(http_request(path, b"\x00\x01", headers=binary))

    assert status == 415
    assert "JSON" in answer["detail"]


@pytest.mark.parametrize(("asked", "comes_back"), [("nonsense", False), (token("7", exp=NOW - 100), True)])
async def test_a_browser_comes_back_by_itself_only_where_it_may(place, asked, comes_back, autojump_clock):
    """An EventSource would ask again every few seconds for ever."""
    peer = await open_at(place, EVENTS, {"token": asked})
    await peer.closed()

    assert (peer.retry < AWAY_MS) == comes_back


async def test_over_websocket_it_ends_the_connection(place, autojump_clock):
    peer = await open_at(place, WEBSOCKET, b"[]")

    assert await peer.closed() == [{"disconnect": {"code": 3501, "reason": "bad request"}}]
    assert peer.close_code == 3501


async def test_what_a_listener_says_later_is_not_heard(place):
    peer = await connect(place, WEBSOCKET, channels=["open:x"])
    await peer.write(client_frame(b'{"id":1,"rpc":{}}') + client_frame(b"nonsense"))
    await place.broker.publish("open:x", b"1")

    assert (await peer.receive())["pub"]["data"] == 1


async def test_a_websocket_that_answers_its_own_pings_stays(place, autojump_clock):
    peer = await connect(place, WEBSOCKET)
    with trio.move_on_after(200):
        await peer.receive()

    assert peer.pings in (14, 16)  # of the protocol, and as many of the WebSocket
    assert len(place.node.connections) == 1


async def test_a_listener_whose_publications_are_gone_must_begin_anew(autojump_clock):
    broker = SharedBroker(namespaces=NAMESPACES)
    async with serve_sdk_place(broker=broker, namespaces=NAMESPACES) as place:
        peer = await connect(place, LINES, channels=["open:x"])
        broker.deaf = True
        await broker.publish("open:x", b"1")
        broker.forget("open:x")
        broker.deaf = False
        await broker.publish("open:x", b"2")

        assert (await peer.closed())[-1]["disconnect"]["code"] == 3010
