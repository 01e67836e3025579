"""How a client of the Centrifugo protocol is let in, or kept out (protocol §1.1, §1.6, §2)."""

import pytest
import trio
from gateway.peers import NOTHING, SDK_PATH, request, serve_sdk_place, token, unix_time
from gateway.shared_broker import SharedBroker
from trio.testing import wait_all_tasks_blocked
from wire.client_frames import client_frame

from trio_gateway.hooks.hooks import Hooks
from trio_gateway.model.user import User
from trio_gateway.wire.frames import Opcode


@pytest.fixture
async def place():
    async with serve_sdk_place() as place:
        yield place


class TestUpgrade:
    async def test_a_subprotocol_is_answered_where_one_was_offered(self, place):
        offering = await place.open_sdk(Sec_WebSocket_Protocol="centrifuge-json")
        silent = await place.open_sdk()

        assert "sec-websocket-protocol: centrifuge-json\r\n" in offering.head.lower()
        assert "sec-websocket-protocol" not in silent.head.lower()

    @pytest.mark.parametrize(
        ("path", "replaced"),
        [
            (SDK_PATH, {"Sec_WebSocket_Protocol": "centrifuge-protobuf"}),
            (f"{SDK_PATH}?format=protobuf", {}),
            (f"{SDK_PATH}?cf_protocol=protobuf", {}),
        ],
    )
    async def test_a_client_of_the_binary_form_is_let_in_to_be_told_never_to_return(self, place, path, replaced):
        peer = await place.open_sdk(path, **replaced)

        assert ("sec-websocket-protocol: centrifuge-protobuf" in peer.head.lower()) == bool(replaced)
        assert (await peer.closed()).code == 3506

    async def test_a_binary_frame_is_told_the_same(self, place):
        peer = await place.open_sdk()
        await peer.write(client_frame(b"\x0a\x00", Opcode.BINARY))

        assert (await peer.closed()).code == 3506

    async def test_the_json_form_is_chosen_of_both(self, place):
        peer = await place.open_sdk(Sec_WebSocket_Protocol="centrifuge-protobuf, centrifuge-json")

        assert "centrifuge-json" in peer.head
        assert "connect" in await peer.ask("connect", token=token())

    async def test_websocket_pings_take_the_place_of_the_protocols_own(self, place, autojump_clock):
        peer = await place.connect(path=f"{SDK_PATH}?cf_ws_frame_ping_pong=true")

        assert not {"ping", "pong"} & set(peer.connected)
        opcode, _payload = await peer.read_frame()
        assert opcode is Opcode.PING

    async def test_a_browser_elsewhere_is_refused_and_a_client_without_origin_is_not(self, place):
        status, _body, _head = await place.refused(request(SDK_PATH, Origin="https://evil.test"))

        assert status == 403
        assert await place.open_sdk()

    async def test_a_message_over_the_limit_is_closed_with_1009(self, place):
        peer = await place.connect()
        await peer.write(client_frame(b" " * 65_537))

        assert (await peer.closed()).code == 1009


class TestConnect:
    async def test_the_reply_says_who_the_client_is_and_how_often_it_is_pinged(self, place):
        peer = await place.open_sdk()
        reply = await peer.ask("connect", token=token())

        assert set(reply) == {"id", "connect"}
        assert set(reply["connect"]) == {"client", "version", "ping", "pong", "subs"}
        assert (reply["connect"]["ping"], reply["connect"]["pong"]) == (25, True)
        assert reply["connect"]["version"]

    async def test_what_stands_behind_the_connect_in_its_frame_is_answered_after_it(self, place):
        """SDKs send all their subscribes at once, before they know that they are connected (§1.2)."""
        peer = await place.open_sdk()
        await peer.command(
            ("connect", {"token": token()}), ("subscribe", {"channel": "open:a"}), ("subscribe", {"channel": "open:b"})
        )

        assert [set(await peer.receive()) - {"id"} for _ in range(3)] == [{"connect"}, {"subscribe"}, {"subscribe"}]

    async def test_frames_that_came_with_the_upgrade_request_are_answered(self, place):
        peer = place.wire(speak=type(await place.open_sdk()))
        frame = client_frame(b'{"id":1,"connect":{"token":"%b"}}' % token().encode())
        await peer.write(request(SDK_PATH) + frame)
        await peer.read_head()

        assert "connect" in await peer.receive()

    @pytest.mark.parametrize(
        "line",
        [
            b'{"id":1,"subscribe":{"channel":"open:a"}}',
            b'{"id":1,"publish":{"channel":"open:a"}}',
            b'{"send":{"data":1}}',
            b"{}",
            b'{"connect":{}}',
            b'{"id":1,"dance":{}}',
            b"",
            b"[",
        ],
    )
    async def test_anything_but_a_connect_ends_the_connection(self, place, line):
        peer = await place.open_sdk()
        await peer.write(client_frame(line))

        assert (await peer.closed()).code == 3501
        await wait_all_tasks_blocked()
        assert place.left == NOTHING

    async def test_a_second_connect_ends_the_connection(self, place):
        peer = await place.connect()
        await peer.command(("connect", {"token": token()}))

        assert (await peer.closed()).code == 3501

    async def test_who_does_not_connect_in_time_is_stale(self, place, autojump_clock):
        peer = await place.open_sdk()
        start = trio.current_time()

        assert (await peer.closed()).code == 3502
        assert trio.current_time() - start == pytest.approx(10, abs=0.1)

    async def test_frames_without_a_command_do_not_put_the_deadline_off(self, place, autojump_clock):
        peer = await place.open_sdk()
        start = trio.current_time()
        for _ in range(3):
            await trio.sleep(3)
            await peer.write(client_frame(b"", Opcode.PING))

        assert (await peer.closed()).code == 3502
        assert trio.current_time() - start == pytest.approx(10, abs=0.1)

    async def test_an_expired_token_is_told_so_in_the_reply_and_nothing_else_is_answered_then(self, place):
        peer = await place.open_sdk()

        assert await peer.refused("connect", token=token(exp=int(unix_time()) - 60)) == 109
        await peer.command(("connect", {"token": token()}))
        assert (await peer.closed()).code == 3501

    async def test_who_only_waits_after_an_expired_token_is_stale(self, place, autojump_clock):
        peer = await place.open_sdk()
        await peer.ask("connect", token=token(nbf=int(unix_time()) + 60))

        assert (await peer.closed()).code == 3502

    @pytest.mark.parametrize(
        "wrong",
        ["nonsense", token(channel="a"), token()[:-4] + "AAAA", token(iss="another"), token(sub=7)],
    )
    async def test_a_token_that_is_wrong_ends_the_connection_for_good(self, autojump_clock, wrong):
        async with serve_sdk_place(token_issuer="me") as place:
            peer = await place.open_sdk()
            await peer.command(("connect", {"token": wrong}))

            assert (await peer.closed()).code == 3500

    async def test_without_a_token_nobody_is_let_in(self, place):
        peer = await place.open_sdk()
        await peer.command(("connect", {}))

        assert (await peer.closed()).code == 3501

    async def test_where_that_is_allowed_nobody_is_let_in_and_has_no_inbox(self, autojump_clock):
        async with serve_sdk_place(allow_anonymous_connect_without_token=True) as place:
            peer = await place.open_sdk()

            assert "subs" not in await peer.do("connect")
            assert await peer.refused("history", channel="#") == 103

    async def test_a_token_for_nobody_can_be_forbidden(self, autojump_clock):
        async with serve_sdk_place(disallow_anonymous_connection_tokens=True) as place:
            peer = await place.open_sdk()
            await peer.command(("connect", {"token": token("")}))

            assert (await peer.closed()).code == 3507

    async def test_a_token_for_a_channel_of_no_namespace_is_answered_102(self, place):
        peer = await place.open_sdk()

        assert await peer.refused("connect", token=token(channels=["nowhere:a"])) == 102
        await wait_all_tasks_blocked()
        assert place.left["subscriptions"] == 0

    async def test_a_token_with_more_channels_than_a_client_may_have_ends_the_connection(self, autojump_clock):
        async with serve_sdk_place(max_channels=2) as place:
            peer = await place.open_sdk()
            await peer.command(("connect", {"token": token(channels=["a", "b", "c"])}))

            assert (await peer.closed()).code == 3505

    async def test_the_applications_own_authentication_takes_the_place_of_tokens(self, autojump_clock):
        async def authenticate(request):
            return User(request.headers["x-user"])

        async with serve_sdk_place(hooks=Hooks(authenticate=authenticate)) as place:
            peer = await place.open_sdk(headers=[("X-User", "seven")])

            assert list((await peer.do("connect", token="nonsense"))["subs"]) == ["#seven"]

    async def test_a_full_node_refuses_the_upgrade(self, autojump_clock):
        async with serve_sdk_place(max_connections=1) as place:
            await place.connect()
            status, _body, _head = await place.refused(request(SDK_PATH))

        assert status == 503

    async def test_who_goes_leaves_nothing(self, place):
        peer = await place.connect(claims={"exp": int(unix_time()) + 60, "channels": ["open:a"]})
        await peer.do("subscribe", channel="open:b")
        assert place.left | {"members": {}} == dict.fromkeys(NOTHING, 1) | {"subscriptions": 3, "members": {}}
        await peer.stream.aclose()
        await wait_all_tasks_blocked()

        assert place.left == NOTHING


class TestConnectionLimit:
    async def test_one_connection_too_many_of_a_user_is_told_3504_on_whatever_node(self, autojump_clock):
        broker = SharedBroker()
        async with (
            serve_sdk_place(broker=broker, max_connections_per_user=2) as here,
            serve_sdk_place(broker=SharedBroker(broker), max_connections_per_user=2) as there,
        ):
            first = await here.connect()
            await there.connect()
            for place in (here, there):
                third = await place.open_sdk()
                await third.command(("connect", {"token": token()}))
                assert (await third.closed()).code == 3504
            assert await here.connect("8")
            await first.stream.aclose()
            await wait_all_tasks_blocked()

            assert await there.connect()

    async def test_the_plain_protocol_is_counted_with_it_and_refuses_the_upgrade(self, autojump_clock):
        async with serve_sdk_place(max_connections_per_user=1) as place:
            await place.connect()
            status, body, _head = await place.refused(request(f"/ws?token={token()}"))

        assert (status, body["code"]) == (503, 106)

    async def test_the_anonymous_are_not_counted(self, autojump_clock):
        async with serve_sdk_place(max_connections_per_user=1) as place:
            assert [await place.connect("") for _ in range(3)]
