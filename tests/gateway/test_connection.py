"""One connection, from its request head to its Close, over a memory broker and in virtual time."""

import msgspec
import pytest
import trio
from captured_logs import capture_logs
from gateway.peers import SDK_PATH, Closed, request, serve_place
from trio.testing import wait_all_tasks_blocked
from wire.client_frames import client_frame

from trio_gateway.broker.limits import Limits
from trio_gateway.broker.memory import MemoryBroker
from trio_gateway.hooks.hooks import Hooks
from trio_gateway.model.codes import DisconnectCode
from trio_gateway.model.errors import BrokerUnavailable, Disconnected, PermissionDenied, Unauthorized
from trio_gateway.model.user import User
from trio_gateway.session.tokens import make_token
from trio_gateway.settings.namespaces import InboxRules, Namespaces
from trio_gateway.wire.frames import Opcode

SECRET = "a secret of at least thirty-two bytes"


@pytest.fixture
async def place():
    async with serve_place() as place:
        yield place


class TestOpening:
    async def test_the_first_frame_is_hello(self, place):
        peer = await place.dial("/ws?user=7")

        assert list(peer.hello) == ["type", "user", "client", "ping", "position"]
        assert peer.hello["user"] == "7"
        assert peer.hello["ping"] == 25

    async def test_the_tutorials_word_for_the_user_is_taken(self, place):
        assert (await place.dial("/ws?uid=8")).hello["user"] == "8"

    @pytest.mark.parametrize(
        ("path", "headers", "replaced"),
        [
            ("/ws?token={}", [], {}),
            ("/ws", [("Authorization", "Bearer {}")], {}),
            ("/ws", [], {"Sec_WebSocket_Protocol": "trio-gateway, {}"}),
        ],
    )
    async def test_a_token_is_taken_in_each_of_its_three_places(self, path, headers, replaced, autojump_clock):
        token = make_token(SECRET, "42", 60)
        async with serve_place(insecure=False, token_secret=SECRET) as place:
            peer = await place.dial(
                path.format(token),
                headers=[(name, value.format(token)) for name, value in headers],
                **{name: value.format(token) for name, value in replaced.items()},
            )

        assert peer.hello["user"] == "42"
        assert ("Sec-WebSocket-Protocol: trio-gateway\r\n".lower() in peer.head.lower()) == bool(replaced)

    @pytest.mark.parametrize("path", ["/ws", "/ws?user=7", "/ws?token=nonsense"])
    async def test_without_a_valid_identity_the_upgrade_is_refused(self, path, autojump_clock):
        async with serve_place(insecure=False, token_secret=SECRET) as place:
            status, body, head = await place.refused(request(path))

        assert (status, body) == (401, {"code": 101, "message": "unauthorized"})
        assert "Content-Type: application/json" in head

    async def test_a_token_that_is_present_must_be_valid_even_when_insecure(self, autojump_clock):
        async with serve_place(insecure=True, token_secret=SECRET) as place:
            status, _, _ = await place.refused(request("/ws?user=7&token=nonsense"))

        assert status == 401

    @pytest.mark.parametrize("query", ["device=", "device=a%20b", "since=x", "since=e:-1", "user="])
    async def test_a_malformed_parameter_is_refused(self, place, query):
        status, body, _ = await place.refused(request(f"/ws?{query}" if "user" in query else f"/ws?user=7&{query}"))

        assert (status, body["code"]) in {(400, 107), (401, 101)}

    async def test_a_foreign_origin_is_refused_and_the_log_says_which(self, place):
        with capture_logs() as lines:
            status, body, _ = await place.refused(request(Origin="https://evil.test"))

        assert (status, body["code"]) == (403, 103)
        (line,) = (line for line in lines if line["event"] == "origin not allowed")
        assert (line["address"], line["origin"], line["host"]) == ("192.0.2.1", "https://evil.test", "gateway.test")

    async def test_the_own_origin_may_connect_whatever_its_port(self, place):
        peer = await place.dial(Origin="http://gateway.test:9000")

        assert peer.hello["type"] == "hello"

    async def test_too_many_connections_are_refused_with_a_time_to_return(self, autojump_clock):
        async with serve_place(max_connections=1) as place:
            await place.dial()
            status, body, head = await place.refused(request())

        assert (status, body["code"]) == (503, 106)
        assert "retry-after" in head.lower()

    @pytest.mark.parametrize(
        ("data", "status"),
        [
            (b"GET /ws HTTP/1.1\r\nHost: a\r\n\r\n", 426),
            (b"\x16\x03\x01\x02\x00\x01\x00\x01", 400),
            (request("/nowhere"), 404),
            (request(Sec_WebSocket_Version="12"), 426),
            (request(Sec_WebSocket_Key="short"), 400),
            (request(Host=None), 400),
            (request(headers=[("X-Long", "x" * 20_000)]), 431),
        ],
    )
    async def test_what_is_no_upgrade_gets_one_response(self, place, data, status):
        assert (await place.refused(data))[0] == status

    @pytest.mark.parametrize("name", ["Host", "Connection", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"])
    async def test_an_undecodable_header_hurts_only_its_sender(self, place, name):
        other = await place.dial("/ws?user=8")
        data = request(**{name.replace("-", "_"): "a"}).replace(
            f"{name}: a".encode(), f"{name}: ".encode() + b"\xff\xfe"
        )

        assert (await place.refused(data))[0] == 400
        assert (await other.ask(type="send", to="8", data=1))["type"] == "ok"

    async def test_a_request_that_does_not_end_is_dropped_at_the_deadline(self, place, autojump_clock):
        peer = place.wire()
        await peer.write(request()[:-2])

        assert (await peer.closed()).code is None
        assert trio.current_time() == pytest.approx(10, abs=1)
        assert not place.node.openings

    async def test_frames_sent_before_the_answer_are_not_lost(self, place):
        peer = place.wire()
        frames = client_frame(msgspec.json.encode({"type": "unsubscribe", "channel": "open:x", "ref": 1}))
        await peer.write(request() + frames)
        await peer.read_head()
        assert (await peer.receive())["type"] == "hello"

        assert await peer.receive() == {"type": "ok", "ref": 1}

    async def test_a_store_that_is_away_refuses_with_a_time_to_return(self, autojump_clock):
        class Away(MemoryBroker):
            async def attach(self, channel, **_options):
                raise BrokerUnavailable(channel)

        async with serve_place(broker=Away(namespaces=Namespaces(), limits=Limits())) as place:
            status, body, head = await place.refused(request())

        assert (status, body["code"]) == (503, 100)
        assert "retry-after" in head.lower()

    async def test_the_applications_own_authentication_replaces_tokens(self, autojump_clock):
        async def authenticate(request):
            if request.headers.get("x-secret") != "open sesame":
                raise Unauthorized("wrong words")
            return User("ali")

        async with serve_place(insecure=False, hooks=Hooks(authenticate=authenticate)) as place:
            peer = await place.dial("/ws", headers=[("X-Secret", "open sesame")])
            status, _, _ = await place.refused(request())

        assert peer.hello["user"] == "ali"
        assert status == 401

    @pytest.mark.parametrize("path", ["/ws", SDK_PATH])
    @pytest.mark.parametrize(
        "error",
        [
            ZeroDivisionError(),
            ConnectionRefusedError("no database"),
            EOFError(),
            ExceptionGroup("", [TimeoutError("no database")]),
        ],
    )
    async def test_an_authentication_that_breaks_is_an_internal_error(self, error, path, autojump_clock):
        async def authenticate(_request):
            raise error

        async with serve_place(insecure=False, hooks=Hooks(authenticate=authenticate)) as place:
            with capture_logs() as logs:
                status, body, _ = await place.refused(request(path))

        assert (status, body) == (500, {"code": 100, "message": "internal server error"})
        assert ("authentication failed", "error") in [(line["event"], line["log_level"]) for line in logs]

    async def test_an_authentication_may_turn_a_client_away_as_other_hooks_do(self, autojump_clock):
        async def authenticate(_request):
            raise Disconnected(DisconnectCode(4501, "unauthorized"))

        async with serve_place(insecure=False, hooks=Hooks(authenticate=authenticate)) as place:
            status, body, _ = await place.refused(request())

        assert (status, body["code"]) == (403, 4501)


class TestRequests:
    async def test_a_send_is_answered_with_its_offset_and_arrives_with_its_sender(self, place):
        seven, eight = await place.dial("/ws?user=7"), await place.dial("/ws?user=8")
        answer = await seven.ask(type="send", to="8", data={"text": "hi"}, id="m1")
        message = await eight.receive()

        assert answer == {"type": "ok", "ref": "r", "offset": 1}
        assert message["data"] == {"text": "hi"}
        assert (message["channel"], message["offset"], message["from"], message["id"]) == ("#8", 1, "7", "m1")

    async def test_the_same_id_takes_effect_once_and_is_answered_alike(self, place):
        seven, eight = await place.dial("/ws?user=7"), await place.dial("/ws?user=8")
        first = await seven.ask(type="send", to="8", data=1, id="m1")
        second = await seven.ask(type="send", to="8", data=1, id="m1")
        await seven.ask(type="send", to="8", data=2)

        assert first == second
        assert [(await eight.receive())["data"] for _ in range(2)] == [1, 2]

    async def test_a_channel_is_subscribed_published_and_left(self, place):
        peer = await place.dial()
        assert "position" in await peer.ask(type="subscribe", channel="open:x")
        await peer.send(type="publish", channel="open:x", data=[1])
        assert (await peer.receive())["data"] == [1]
        assert (await peer.ask(type="unsubscribe", channel="open:x"))["type"] == "ok"
        await peer.ask(type="publish", channel="open:x", data=[2])
        await wait_all_tasks_blocked()

        assert peer.buffer == b""

    async def test_a_subscription_is_answered_before_the_first_message_it_brings(self, place):
        await place.broker.publish("open:x", b"1")
        peer = await place.dial()
        await peer.send(type="subscribe", channel="open:x", since="0", ref=1)

        assert (await peer.receive())["type"] == "ok"
        assert (await peer.receive())["offset"] == 1

    async def test_without_a_ref_only_errors_are_answered(self, place):
        peer = await place.dial()
        await peer.send(type="unsubscribe", channel="open:x")
        await peer.send(type="publish", channel="nowhere:x", data=1)

        assert await peer.receive() == {
            "type": "error",
            "code": 102,
            "message": "unknown channel",
            "detail": "no namespace 'nowhere' is configured",
        }

    @pytest.mark.parametrize("text", [b"", b"[]", b"{", b'"x"', b'{"type":1}', b"{}", b"\xc3\xa9", b"[" * 5000])
    async def test_a_frame_that_cant_be_read_is_answered_107_and_the_connection_stays(self, place, text):
        peer = await place.dial()
        await peer.write(client_frame(text))

        assert (await peer.receive())["code"] == 107
        assert (await peer.ask(type="unsubscribe", channel="open:x"))["type"] == "ok"

    async def test_an_unknown_type_is_answered_104(self, place):
        peer = await place.dial()

        assert (await peer.ask(type="dance"))["code"] == 104

    async def test_answers_to_one_batch_come_in_order(self, place):
        peer = await place.dial()
        await peer.write(
            b"".join(
                client_frame(msgspec.json.encode({"type": "send", "to": "8", "data": ref, "ref": ref}))
                for ref in range(20)
            )
        )

        assert [(await peer.receive())["ref"] for _ in range(20)] == list(range(20))

    async def test_a_store_that_is_away_answers_100_and_the_client_stays(self, place):
        peer = await place.dial()

        async def away(*_args, **_options):
            raise BrokerUnavailable("away")

        publish, place.broker.publish = place.broker.publish, away
        assert (await peer.ask(type="send", to="8", data=1, id="m"))["code"] == 100
        place.broker.publish = publish

        assert (await peer.ask(type="send", to="8", data=1, id="m"))["type"] == "ok"

    async def test_settings_may_forbid_sends(self, autojump_clock):
        namespaces = Namespaces(inbox=InboxRules(allow_send_for_client=False))
        async with serve_place(namespaces=namespaces) as place:
            peer = await place.dial()

            assert (await peer.ask(type="send", to="8", data=1))["code"] == 103


class TestDevices:
    async def test_a_device_that_returns_gets_everything_after_its_ack(self, place):
        phone = await place.dial("/ws?user=7&device=phone")
        for data in b"123":
            await place.broker.publish("#7", b"%d" % data)
        for _ in range(3):
            last = await phone.receive()
        await phone.send(type="ack", offset=last["offset"] - 1)
        await phone.write(client_frame(b"\x03\xe8", Opcode.CLOSE))
        await phone.closed()
        phone = await place.dial("/ws?user=7&device=phone")

        assert (await phone.receive())["offset"] == 3
        assert phone.hello["position"].endswith(":2")

    async def test_an_ack_beyond_what_was_sent_is_refused(self, place):
        phone = await place.dial("/ws?user=7&device=phone")

        assert (await phone.ask(type="ack", offset=1))["code"] == 107

    async def test_since_says_where_delivery_starts(self, place):
        await place.broker.publish("#7", b"1")
        position = await place.broker.publish("#7", b"2")
        peer = await place.dial(f"/ws?user=7&since={position.epoch}:1")

        assert peer.hello["position"] == f"{position.epoch}:1"
        assert (await peer.receive())["offset"] == 2

    async def test_since_of_another_epoch_gets_a_gap_then_everything_kept(self, place):
        position = await place.broker.publish("#7", b"1")
        peer = await place.dial("/ws?user=7&since=lost:9")

        assert await peer.receive() == {"type": "gap", "channel": "#7", "position": f"{position.epoch}:0"}
        assert (await peer.receive())["offset"] == 1


class TestHooks:
    async def test_a_message_is_answered_with_what_the_application_returns(self, autojump_clock):
        async def on_message(client, message):
            return {"from": client.user.id, "twice": message.data * 2}

        async with serve_place(hooks=Hooks(on_message=on_message)) as place:
            peer = await place.dial()
            answer = await peer.ask(type="message", data=21)

        assert answer == {"type": "ok", "ref": "r", "data": {"from": "7", "twice": 42}}

    async def test_the_application_may_refuse_a_send_before_it_is_stored(self, autojump_clock):
        async def on_message(_client, message):
            if message.data == "rude":
                raise PermissionDenied("be nice")

        async with serve_place(hooks=Hooks(on_message=on_message)) as place:
            peer = await place.dial()
            refused = await peer.ask(type="send", to="8", data="rude")
            taken = await peer.ask(type="send", to="8", data="kind")

        assert refused["code"] == 103
        assert taken == {"type": "ok", "ref": "r", "offset": 1}

    async def test_the_application_may_end_the_connection(self, autojump_clock):
        async def on_message(_client, _message):
            raise Disconnected(DisconnectCode(4500, "banned"))

        async with serve_place(hooks=Hooks(on_message=on_message)) as place:
            peer = await place.dial()
            await peer.send(type="message", data=1)
            goodbye = await peer.receive()
            closed = await peer.closed()

        assert goodbye == {"type": "goodbye", "code": 4500, "reason": "banned"}
        assert (closed.code, closed.reason) == (4500, "banned")

    async def test_an_application_that_breaks_ends_that_connection_alone(self, autojump_clock):
        async def on_message(_client, message):
            return 1 / message.data

        async with serve_place(hooks=Hooks(on_message=on_message)) as place:
            peer, other = await place.dial(), await place.dial("/ws?user=8")
            await peer.send(type="message", data=0)

            assert (await peer.closed()).code == 3004
            assert (await other.ask(type="message", data=2))["data"] == 0.5


class TestEnding:
    async def test_the_clients_close_is_answered_with_its_own_code(self, place):
        peer = await place.dial()
        await peer.write(client_frame(b"\x0f\xa1bye", Opcode.CLOSE))

        assert (await peer.closed()).code == 4001
        await wait_all_tasks_blocked()
        assert not place.node.connections

    async def test_what_was_asked_before_the_close_is_answered(self, place):
        peer = await place.dial()
        await peer.write(
            client_frame(msgspec.json.encode({"type": "send", "to": "8", "data": 1, "ref": 1}))
            + client_frame(b"\x03\xe8", Opcode.CLOSE)
        )

        assert (await peer.receive())["type"] == "ok"
        assert (await peer.closed()).code == 1000

    @pytest.mark.parametrize(
        ("frame", "code"),
        [
            (client_frame(b"x", masked=False), 1002),
            (client_frame(b"x", rsv=4), 1002),
            (client_frame(b"x", Opcode.CONTINUATION), 1002),
            (client_frame(b"x", Opcode.PING, fin=False), 1002),
            (client_frame(b"x", Opcode.BINARY), 1003),
            (client_frame(b"\xff"), 1007),
            (client_frame(b"", length=70_000), 1009),
        ],
    )
    async def test_a_broken_frame_is_closed_with_rfc_6455s_code(self, place, frame, code):
        peer, other = await place.dial(), await place.dial("/ws?user=8")
        await peer.write(frame)

        assert (await peer.closed()).code == code
        assert (await other.ask(type="send", to="8", data=1))["type"] == "ok"

    async def test_a_ping_is_answered_with_its_payload(self, place):
        peer = await place.dial()
        await peer.write(client_frame(b"hello?", Opcode.PING))

        assert await peer.receive_pong() == b"hello?"

    async def test_pings_without_end_from_one_who_reads_no_pongs_hold_bounded_memory_and_end(
        self, place, autojump_clock
    ):
        peer = await place.dial(send_buffer=4096)
        flood = client_frame(b"x" * 125, Opcode.PING) * 100_000  # 13 MB: far more than all buffers take

        with pytest.raises(trio.BrokenResourceError):
            await peer.write(flood)
        await wait_all_tasks_blocked()

        assert not place.node.connections

    async def test_a_client_that_answers_no_ping_is_closed(self, place, autojump_clock):
        peer = await place.dial()
        peer.answers_pings = False

        closed = await peer.closed()

        assert closed.code == 3012
        assert 10 <= trio.current_time() <= 36

    async def test_a_client_that_answers_stays(self, place, autojump_clock):
        peer = await place.dial()
        with trio.move_on_after(200):
            await peer.closed()

        assert peer.pings in (7, 8, 9)

    async def test_pings_in_json_are_answered_in_json(self, place, autojump_clock):
        peer = await place.dial("/ws?user=7&ping=json")
        assert await peer.receive() == {"type": "ping"}
        await peer.send(type="pong")
        assert await peer.receive() == {"type": "ping"}

        assert (await peer.closed()).code == 3012

    async def test_a_peer_that_vanishes_leaves_nothing(self, place):
        peer = await place.dial("/ws?user=7&device=phone")
        await peer.stream.aclose()
        await wait_all_tasks_blocked()

        assert not place.node.connections
        assert place.node.hub.statistics().subscriptions == 0

    async def test_a_client_that_never_reads_is_dropped_and_delays_nobody(self, place, autojump_clock):
        slow = await place.dial(send_buffer=4096)
        other = await place.dial("/ws?user=7&device=other")
        for _ in range(200):
            await place.broker.publish("#7", b'"' + b"x" * 5000 + b'"')
            await other.receive()
        await trio.sleep(15)

        assert len(place.node.connections) == 1
        assert (await slow.closed()).code is None

    async def test_an_answer_that_never_comes_to_our_close_is_waited_for_5_s(self, place, autojump_clock):
        peer = await place.dial()
        (connection,) = place.node.connections
        start = trio.current_time()
        connection.leave(DisconnectCode(3503, "force disconnect"))
        assert (await peer.receive())["type"] == "goodbye"
        assert (await peer.read_frame())[0] is Opcode.CLOSE
        with pytest.raises(Closed):
            await peer.read_exactly(1)

        assert trio.current_time() - start == pytest.approx(5, abs=0.5)

    async def test_a_goodbye_names_a_time_of_its_own_to_return(self, place):
        peer = await place.dial()
        (connection,) = place.node.connections
        connection.leave(DisconnectCode(3001, "shutdown"))
        goodbye = await peer.receive()

        assert list(goodbye) == ["type", "code", "reason", "reconnect_ms"]
        assert 0 < goodbye["reconnect_ms"] <= 5000
        assert (await peer.closed()).code == 3001

    async def test_what_was_asked_is_answered_before_the_goodbye(self, place, autojump_clock):
        peer = await place.dial()
        (connection,) = place.node.connections
        publish = place.broker.publish

        async def slow_publish(*args, **options):
            await trio.sleep(2)
            return await publish(*args, **options)

        place.broker.publish = slow_publish
        await peer.send(type="send", to="8", data=1, ref=1)
        await trio.sleep(1)
        connection.leave(DisconnectCode(3001, "shutdown"))

        assert (await peer.receive())["type"] == "ok"
        assert (await peer.receive())["type"] == "goodbye"


async def test_a_flood_of_frames_gives_everybody_their_turn(place):
    """10,000 frames at once from one client: another one's request is answered long before the flood's last."""
    flooder, other = await place.dial(), await place.dial("/ws?user=8")
    frame = client_frame(msgspec.json.encode({"type": "unsubscribe", "channel": "open:x", "ref": 1}))
    answered = 0

    async def drink():
        nonlocal answered
        while answered < 10_000:
            await flooder.receive()
            answered += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(flooder.write, frame * 10_000)
        nursery.start_soon(drink)
        assert (await other.ask(type="unsubscribe", channel="open:x"))["type"] == "ok"

    assert answered == 10_000


async def test_a_client_that_is_behind_for_longer_than_its_inbox_allows_is_told_3008(autojump_clock):
    namespaces = Namespaces(inbox=InboxRules(max_behind="2s"))
    async with serve_place(namespaces=namespaces) as place:
        slow = await place.dial(send_buffer=4096)
        for _ in range(100):
            await place.broker.publish("#7", b'"' + b"x" * 5000 + b'"')
        await wait_all_tasks_blocked()
        await trio.sleep(3)

        assert (await slow.closed()).code == 3008


async def test_answers_before_a_message_that_ends_the_connection_are_given(autojump_clock):
    async def on_message(_client, message):
        if message.data == "last":
            raise Disconnected(DisconnectCode(4500, "enough"))

    async with serve_place(hooks=Hooks(on_message=on_message)) as place:
        peer = await place.dial()
        await peer.write(
            b"".join(
                client_frame(msgspec.json.encode({"type": "send", "to": "8", "data": data, "ref": data}))
                for data in ("first", "last")
            )
        )

        assert (await peer.receive())["ref"] == "first"
        assert (await peer.receive())["type"] == "goodbye"


async def test_a_pong_behind_a_slow_request_of_the_same_client_counts(autojump_clock):
    async def on_message(_client, _message):
        await trio.sleep(40)

    async with serve_place(hooks=Hooks(on_message=on_message)) as place:
        peer = await place.dial()
        await peer.send(type="message", data=1, ref=1)

        assert (await peer.receive())["type"] == "ok"


@pytest.mark.parametrize("end", [client_frame(b"\x03\xe8", Opcode.CLOSE), client_frame(b"x", Opcode.BINARY)])
async def test_pings_just_before_the_end_break_nothing(place, end, autojump_clock):
    peer = await place.dial()
    with capture_logs() as logs:
        await peer.write(client_frame(b"", Opcode.PING) * 30 + end)
        assert (await peer.closed()).code in (1000, 1003)
        await trio.sleep(2)

    assert [line for line in logs if line["log_level"] == "error"] == []
    assert not place.node.connections


async def test_a_half_written_frame_goes_out_while_another_channel_waits_for_the_store(place, autojump_clock):
    peer = await place.dial(send_buffer=4096)
    await peer.ask(type="subscribe", channel="open:b")
    read = place.broker.read

    async def away(*_args):
        raise BrokerUnavailable("away")

    place.broker.read = away
    await peer.ask(type="subscribe", channel="open:a", since="0")
    big = b'"' + b"x" * 400_000 + b'"'
    await place.broker.publish("open:b", big)
    await trio.sleep(0.5)
    assert len((await peer.receive())["data"]) == 400_000
    place.broker.read = read


async def test_an_inbox_whose_name_is_too_long_is_refused_with_an_answer(autojump_clock):
    async with serve_place(max_channel_length=20) as place:
        status, body, _ = await place.refused(request("/ws?user=" + "7" * 30))

    assert (status, body["code"]) == (400, 107)
