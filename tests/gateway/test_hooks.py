"""The application's own functions decide who comes in, what is subscribed to and published, and who stays."""

from __future__ import annotations

import re

import attrs
import pytest
import trio
from captured_logs import capture_logs
from gateway.peers import NOTHING, SDK_PATH, request, serve_place, serve_sdk_place, token, unix_time
from trio.testing import wait_all_tasks_blocked

from trio_gateway import errors
from trio_gateway.hooks.hooks import Hooks
from trio_gateway.hooks.results import ConnectResult, PublishResult, RefreshResult, RpcResult, SubscribeResult
from trio_gateway.model.codes import DisconnectCode
from trio_gateway.model.directives import Override, SubscribeUser
from trio_gateway.model.user import ANONYMOUS, User
from trio_gateway.settings.namespaces import ChannelRules, InboxRules, Namespaces

ASKED = ChannelRules(
    subscribe_proxy_enabled=True,
    publish_proxy_enabled=True,
    sub_refresh_proxy_enabled=True,
    allow_user_limited_channels=True,
    presence=True,
)
NAMESPACES = Namespaces(named={"asked": ASKED, "open": ChannelRules(allow_subscribe_for_client=True)})

FAULTS = [
    ZeroDivisionError(),
    ConnectionRefusedError("no database"),
    EOFError(),
    ExceptionGroup("", [TimeoutError("no database")]),
]
"""What an application breaks with: some of it is what the end of a client's link raises as well."""


class Recorder:
    """Be a hook: keep what was asked, and answer, or raise, what the test says."""

    def __init__(self, *answers):
        self.asked = []
        self.answers = list(answers)

    async def __call__(self, request):
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def after(seconds):
    return int(unix_time()) + seconds


def seconds(start):
    return pytest.approx(trio.current_time() - start, abs=1.1)


def serve(**hooks):
    names = {name: hooks.pop(name) for name in ("headers", "emulated_headers") if name in hooks}
    return serve_sdk_place(hooks=Hooks(**hooks, **names), namespaces=NAMESPACES)


async def dial(place, **connect):
    peer = await place.open_sdk(headers=[("Cookie", "session=1"), ("X-Other", "2")])
    peer.connected = await peer.do("connect", **connect)
    return peer


class TestConnect:
    async def test_the_hook_says_who_a_client_without_a_token_is(self, autojump_clock):
        connect = Recorder(ConnectResult(User("7"), data={"hello": 1}, channels={"open:a": SubscribeResult(data=[2])}))
        async with serve(connect=connect, headers={"Cookie"}, emulated_headers={"Authorization"}) as place:
            peer = await dial(
                place,
                data={"device": "phone"},
                name="js",
                version="5",
                headers={"authorization": "Bearer x", "cookie": "forged", "host": "forged"},
                subs={"open:b": {}},
            )
            (asked,) = connect.asked

        assert peer.connected["data"] == {"hello": 1}
        assert peer.connected["subs"].keys() == {"#7", "open:a", "open:b"}
        assert peer.connected["subs"]["open:a"]["data"] == [2]
        assert (asked.data, asked.name, asked.version, asked.channels) == ({"device": "phone"}, "js", "5", ("open:b",))
        assert asked.client.user is ANONYMOUS
        assert asked.client.headers == {"cookie": "session=1"}
        assert asked.client.emulated_headers == {"authorization": "Bearer x"}
        assert asked.http.path == SDK_PATH

    async def test_a_token_is_judged_by_the_keys_and_nobody_is_asked(self, autojump_clock):
        connect = Recorder(ConnectResult(User("8")))
        async with serve(connect=connect) as place:
            peer = await place.connect("7")

        assert list(peer.connected["subs"]) == ["#7"]
        assert connect.asked == []

    async def test_without_keys_the_hook_is_asked_about_those_with_tokens_too(self, autojump_clock):
        hooks = Hooks(connect=Recorder(ConnectResult(User("8"))))
        async with serve_place(hooks=hooks, insecure=False, namespaces=NAMESPACES) as place:
            peer = await place.open_sdk()
            plain = await place.dial("/ws", headers=[("Authorization", "Bearer of-the-application")])

            assert list((await peer.do("connect", token=token()))["subs"]) == ["#8"]
            assert plain.hello["user"] == "8"

    async def test_the_device_in_its_data_counts(self, autojump_clock):
        rpc = Recorder(RpcResult())
        async with serve(connect=Recorder(ConnectResult(User("7"))), rpc=rpc) as place:
            peer = await dial(place, data={"device": "phone"})
            await peer.do("rpc", method="x", data=1)

        assert rpc.asked[0].client.device == "phone"

    async def test_what_it_says_of_the_client_comes_back_with_each_request(self, autojump_clock):
        rpc = Recorder(RpcResult())
        connect = Recorder(ConnectResult(User("7"), info={"name": "Ada"}, meta={"secret": 1}))
        async with serve(connect=connect, rpc=rpc) as place:
            await (await dial(place)).do("rpc", method="x", data=1)

        assert (rpc.asked[0].client.info, rpc.asked[0].client.meta) == (b'{"name":"Ada"}', b'{"secret":1}')

    @pytest.mark.parametrize(
        ("raised", "error"),
        [
            (errors.Unauthorized("no"), {"code": 101, "message": "unauthorized"}),
            (errors.Refused(1000, "custom"), {"code": 1000, "message": "custom"}),
            (errors.HookUnavailable("away"), {"code": 100, "message": "internal server error", "temporary": True}),
        ],
    )
    async def test_a_refusal_is_the_answer(self, raised, error, autojump_clock):
        async with serve(connect=Recorder(raised)) as place:
            peer = await place.open_sdk()

            assert (await peer.ask("connect"))["error"] == error
            assert place.node.clients.users == 0

    async def test_a_disconnect_ends_the_connection(self, autojump_clock):
        async with serve(connect=Recorder(errors.Disconnected(DisconnectCode(4501, "unauthorized")))) as place:
            peer = await place.open_sdk()
            await peer.command(("connect", {}))
            closed = await peer.closed()

        assert (closed.code, closed.reason) == (4501, "unauthorized")

    @pytest.mark.parametrize("error", FAULTS)
    async def test_a_fault_of_the_application_ends_that_connection_alone(self, error, autojump_clock):
        async with serve(connect=Recorder(error, ConnectResult(User("7")))) as place:
            peer = await place.open_sdk()
            with capture_logs() as logs:
                await peer.command(("connect", {}))

                assert (await peer.closed()).code == 3004
            assert await dial(place)
        assert [line["event"] for line in logs if line["log_level"] == "error"] == ["connection failed"]

    @pytest.mark.parametrize("error", FAULTS)
    async def test_a_fault_in_a_later_hook_is_no_end_of_the_link(self, error, autojump_clock):
        async with serve(rpc=Recorder(error), refresh=Recorder(error)) as place:
            asking, expiring = await place.connect("7"), await place.connect("8", claims={"exp": after(5)})
            with capture_logs() as logs:
                await asking.command(("rpc", {"method": "x"}))

                assert (await asking.closed()).code == 3004
                assert (await expiring.closed()).code == 3004
        assert [line["event"] for line in logs if line["log_level"] == "error"] == ["connection failed"] * 2

    @pytest.mark.parametrize(
        ("result", "code"),
        [
            (ConnectResult(User("7"), channels={"nowhere:x": SubscribeResult()}), 102),
            (ConnectResult(User("7"), expire_at=1), 110),
        ],
    )
    async def test_what_can_not_be_is_refused(self, result, code, autojump_clock):
        async with serve(connect=Recorder(result)) as place:
            peer = await place.open_sdk()

            assert await peer.refused("connect") == code

    async def test_an_emulated_header_with_a_line_break_is_refused(self, autojump_clock):
        connect = Recorder(ConnectResult(User("7")))
        async with serve(connect=connect, emulated_headers={"x-a"}) as place:
            peer = await place.open_sdk()

            assert await peer.refused("connect", headers={"X-A": "1\r\nX-B: 2"}) == 107
            assert connect.asked == []


class TestConnectInThePlainProtocol:
    async def test_the_hook_decides_at_the_upgrade(self, autojump_clock):
        connect = Recorder(ConnectResult(User("7"), data={"hello": 1}))
        async with serve(connect=connect) as place:
            peer = await place.dial("/ws?session=1&device=phone")

        assert (peer.hello["user"], peer.hello["data"]) == ("7", {"hello": 1})
        assert connect.asked[0].http.query == {"session": ("1",), "device": ("phone",)}
        assert connect.asked[0].client.id == peer.hello["client"]

    @pytest.mark.parametrize(
        ("answer", "status", "code"),
        [
            (errors.Unauthorized("no"), 401, 101),
            (errors.PermissionDenied("no"), 403, 103),
            (errors.Refused(1000, "custom"), 403, 1000),
            (errors.Refused(429, "slower"), 429, 429),
            (errors.Refused(1001, "later", temporary=True), 503, 1001),
            (errors.Disconnected(DisconnectCode(4501, "unauthorized")), 403, 4501),
            (errors.Disconnected(DisconnectCode(4001, "back in a minute")), 503, 4001),
            (errors.HookUnavailable("away"), 503, 100),
            (ZeroDivisionError(), 500, 100),
            (ConnectResult(ANONYMOUS), 401, 101),
            (ConnectResult(User("7"), expire_at=1), 400, 110),
        ],
    )
    async def test_a_refusal_is_the_response(self, answer, status, code, autojump_clock):
        async with serve(connect=Recorder(answer)) as place:
            got, body, _head = await place.refused(request("/ws"))
            await trio.sleep(2)  # so long it waits for the peer's end

            assert (got, body["code"]) == (status, code)
            assert place.left == NOTHING


class TestSubscribe:
    async def test_the_hook_lets_a_client_into_the_channel(self, autojump_clock):
        result = SubscribeResult(info={"role": "x"}, data=[1], override=Override(presence=False), expire_at=0)
        subscribe = Recorder(result)
        async with serve(subscribe=subscribe) as place:
            peer = await place.connect()
            subscribed = await peer.do("subscribe", channel="asked:a", data={"a": 1})
            members = await place.broker.presence("asked:a")

        assert subscribed == {"data": [1]}
        assert (subscribe.asked[0].channel, subscribe.asked[0].data) == ("asked:a", {"a": 1})
        assert members == {}

    async def test_it_says_what_others_are_shown(self, autojump_clock):
        async with serve(subscribe=Recorder(SubscribeResult(info={"role": "x"}))) as place:
            peer = await place.connect()
            await peer.do("subscribe", channel="asked:a")
            (member,) = (await place.broker.presence("asked:a")).values()

        assert b'"chan_info":{"role":"x"}' in member.info

    @pytest.mark.parametrize(
        ("raised", "code"), [(errors.PermissionDenied("no"), 103), (errors.Refused(403, "no"), 403)]
    )
    async def test_a_refusal_leaves_nothing(self, raised, code, autojump_clock):
        async with serve(subscribe=Recorder(raised, SubscribeResult())) as place:
            peer = await place.connect()

            assert await peer.refused("subscribe", channel="asked:a") == code
            assert await peer.do("subscribe", channel="asked:a") == {}

    @pytest.mark.parametrize(("channel", "code"), [("$asked:a", 103), ("asked:a#8", 103), ("open:a", None)])
    async def test_where_the_name_or_the_namespace_decides_nobody_is_asked(self, channel, code, autojump_clock):
        subscribe = Recorder(SubscribeResult())
        async with serve(subscribe=subscribe) as place:
            peer = await place.connect()
            answer = await peer.ask("subscribe", channel=channel)

        assert answer.get("error", {}).get("code") == code
        assert subscribe.asked == []

    async def test_a_token_decides_before_the_hook(self, autojump_clock):
        subscribe = Recorder(errors.PermissionDenied("no"))
        async with serve(subscribe=subscribe) as place:
            peer = await place.connect()

            assert await peer.do("subscribe", channel="asked:a", token=token(channel="asked:a")) == {}

    async def test_what_a_client_wants_from_the_servers_side_gets_round_no_hook(self, autojump_clock):
        subscribe = Recorder(SubscribeResult())
        async with serve(subscribe=subscribe) as place:
            peer = await place.connect(subs={"asked:a": {}, "open:a": {}})

        assert peer.connected["subs"].keys() == {"#7", "open:a"}

    async def test_who_was_subscribed_by_the_server_meanwhile_has_it_already(self, autojump_clock):
        started, go_on = trio.Event(), trio.Event()

        async def subscribe(_request):
            started.set()
            await go_on.wait()
            return SubscribeResult()

        async with serve(subscribe=subscribe) as place:
            peer = await place.connect()
            await peer.command(("subscribe", {"channel": "asked:a"}))
            await started.wait()
            await place.node.control.tell(SubscribeUser(user="7", channel="asked:a"))
            assert "subscribe" in await peer.push()
            go_on.set()

            assert (await peer.receive())["error"]["code"] == 105

    async def test_answers_before_it_do_not_wait_for_it(self, autojump_clock):
        async def subscribe(_request):
            await trio.sleep(50)
            return SubscribeResult()

        async with serve(subscribe=subscribe) as place:
            peer = await place.connect()
            start = trio.current_time()
            await peer.command(("subscribe", {"channel": "open:a"}), ("subscribe", {"channel": "asked:a"}))
            first = await peer.receive()

            assert (first["id"], trio.current_time()) == (peer.id - 1, start)
            assert (await peer.receive())["id"] == peer.id

    async def test_a_client_that_goes_meanwhile_leaves_nothing(self, autojump_clock):
        async def subscribe(_request):
            await trio.sleep(5)
            return SubscribeResult()

        async with serve(subscribe=subscribe) as place:
            peer = await place.connect()
            await peer.command(("subscribe", {"channel": "asked:a"}))
            await peer.stream.aclose()
            await trio.sleep(20)

            assert place.left == NOTHING

    async def test_the_plain_protocol_asks_too(self, autojump_clock):
        subscribe = Recorder(SubscribeResult())
        async with serve(subscribe=subscribe) as place:
            peer = await place.dial(f"/ws?token={token()}")
            answer = await peer.ask(type="subscribe", channel="asked:a", data=[1])

        assert answer["type"] == "ok"
        assert subscribe.asked[0].data == [1]


class TestPublish:
    async def test_the_hook_says_what_becomes_of_a_publication(self, autojump_clock):
        result = PublishResult(data={"text": "***"}, tags={"a": "b"}, id="once", version=1)
        publish = Recorder(result)
        async with serve(publish=publish) as place:
            peer = await place.connect()
            await peer.do("publish", channel="asked:a", data={"text": "rude"})
            await peer.do("publish", channel="asked:a", data={"text": "rude"})
            (kept,) = (await place.broker.read("asked:a", 0, 10)).publications

        assert (kept.data, kept.tags) == (b'{"text":"***"}', b'{"a":"b"}')
        assert (publish.asked[0].channel, publish.asked[0].data) == ("asked:a", {"text": "rude"})

    async def test_a_delta_of_it_is_asked_for(self, autojump_clock):
        namespaces = Namespaces(named={"asked": attrs.evolve(ASKED, allowed_delta_types=["fossil"])})
        data = {"text": "much that is the same in both of them, so that a delta is shorter", "number": 1}
        hooks = Hooks(publish=Recorder(PublishResult(delta=True)), subscribe=Recorder(SubscribeResult()))
        async with serve_sdk_place(hooks=hooks, namespaces=namespaces) as place:
            peer = await place.connect()
            assert (await peer.do("subscribe", channel="asked:a", delta="fossil"))["delta"]
            await peer.do("publish", channel="asked:a", data=data)
            await peer.do("publish", channel="asked:a", data={**data, "number": 2})
            first, second = await peer.push(), await peer.push()

        assert "delta" not in first["pub"]
        assert second["pub"]["delta"] is True

    async def test_without_another_word_it_is_what_was_sent(self, autojump_clock):
        async with serve(publish=Recorder(PublishResult())) as place:
            peer = await place.connect()
            await peer.do("publish", channel="asked:a", data=[1, 2])
            (kept,) = (await place.broker.read("asked:a", 0, 10)).publications

        assert kept.data == b"[1,2]"

    async def test_it_may_be_told_and_not_kept(self, autojump_clock):
        async with serve(publish=Recorder(PublishResult(skip_history=True))) as place:
            peer = await place.connect()
            await peer.do("publish", channel="asked:a", data=1)

            assert (await place.broker.read("asked:a", 0, 10)).publications == ()

    @pytest.mark.parametrize(
        ("raised", "code"), [(errors.Refused(1000, "no"), 1000), (errors.HookUnavailable("away"), 100)]
    )
    async def test_a_refused_one_is_not_stored(self, raised, code, autojump_clock):
        async with serve(publish=Recorder(raised)) as place:
            peer = await place.connect()

            assert await peer.refused("publish", channel="asked:a", data=1) == code
            assert (await place.broker.read("asked:a", 0, 10)).top == 0

    async def test_what_is_sent_to_a_user_is_asked_about_where_the_inbox_says_so(self, autojump_clock):
        publish = Recorder(PublishResult(), errors.PermissionDenied("no"))
        namespaces = Namespaces(inbox=InboxRules(allow_send_for_client=False, publish_proxy_enabled=True))
        async with serve_sdk_place(hooks=Hooks(publish=publish), namespaces=namespaces) as place:
            peer = await place.dial(f"/ws?token={token()}")

            assert (await peer.ask(type="send", to="8", data=1, id="m"))["offset"] == 1
            assert (await peer.ask(type="send", to="8", data=1))["code"] == 103
            assert (publish.asked[0].channel, publish.asked[0].id) == ("#8", "m")


class TestRpc:
    async def test_the_hook_answers_a_call(self, autojump_clock):
        rpc = Recorder(RpcResult(data={"year": 2019}))
        async with serve(rpc=rpc) as place:
            peer = await place.connect()

            assert await peer.do("rpc", method="year", data={"a": 1}) == {"data": {"year": 2019}}
            assert (rpc.asked[0].method, rpc.asked[0].data, rpc.asked[0].client.user.id) == ("year", {"a": 1}, "7")

    async def test_a_message_of_the_plain_protocol_is_a_call_without_a_method(self, autojump_clock):
        rpc = Recorder(RpcResult(data=[1]))
        async with serve(rpc=rpc) as place:
            peer = await place.dial(f"/ws?token={token()}")

            assert (await peer.ask(type="message", data="x"))["data"] == [1]
            assert (rpc.asked[0].method, rpc.asked[0].data) == ("", "x")

    async def test_a_message_of_an_sdk_is_taken_by_on_message_alone(self, autojump_clock):
        async with serve(rpc=Recorder(RpcResult())) as place:
            peer = await place.connect()
            await peer.command(("send", {"data": 1}))

            assert (await peer.closed()).code == 3508

    async def test_on_message_takes_messages_where_rpc_takes_calls(self, autojump_clock):
        seen = []

        async def on_message(_client, message):
            seen.append(message.type)

        async with serve(rpc=Recorder(RpcResult(data=1)), on_message=on_message) as place:
            peer = await place.connect()
            assert await peer.do("rpc", method="x", data=1) == {"data": 1}
            plain = await place.dial(f"/ws?token={token()}")
            await plain.ask(type="message", data="x")

        assert seen == ["message"]


class TestSeveralAtOnce:
    async def when_answered(self, peer, command, **request):
        """Ask four times in one frame, and tell when each answer came."""
        start = trio.current_time()
        await peer.command(*[(command, request)] * 4)
        came = []
        for _ in range(4):
            assert command in await peer.receive()
            came.append(trio.current_time() - start)
        return came

    async def test_the_first_of_several_calls_is_answered_when_it_is(self, autojump_clock):
        async def rpc(_request):
            await trio.sleep(10)
            return RpcResult(data=1)

        async with serve_sdk_place(hooks=Hooks(rpc=rpc), ping_seconds=1000) as place:
            came = await self.when_answered(await place.connect(), "rpc", method="m", data={})

        assert came == pytest.approx([10, 20, 30, 40], abs=1)

    async def test_so_is_the_first_of_several_publications(self, autojump_clock):
        async def publish(_request):
            await trio.sleep(10)
            return PublishResult()

        async with serve_sdk_place(hooks=Hooks(publish=publish), namespaces=NAMESPACES, ping_seconds=1000) as place:
            came = await self.when_answered(await place.connect(), "publish", channel="asked:a", data=1)

        assert came == pytest.approx([10, 20, 30, 40], abs=1)


class TestRefresh:
    async def test_the_hook_prolongs_a_connection_at_its_end(self, autojump_clock):
        refresh = Recorder(RefreshResult(expire_at=after(200)), RefreshResult(expired=True))
        async with serve(connect=Recorder(ConnectResult(User("7"), expire_at=after(60))), refresh=refresh) as place:
            start = trio.current_time()
            peer = await dial(place)

            assert "expires" not in peer.connected
            assert (await peer.closed()).code == 3005
            assert seconds(start) == 200
            assert [asked.client.user.id for asked in refresh.asked] == ["7", "7"]
            await wait_all_tasks_blocked()
            assert place.left == NOTHING

    async def test_a_client_can_not_prolong_it_by_a_token(self, autojump_clock):
        async with serve(refresh=Recorder(RefreshResult())) as place:
            peer = await place.connect(claims={"exp": after(60)})
            await peer.command(("refresh", {"token": token()}))

            assert (await peer.closed()).code == 3501

    async def test_it_may_stay_for_ever(self, autojump_clock):
        async with serve(refresh=Recorder(RefreshResult())) as place:
            peer = await place.connect(claims={"exp": after(60)})
            with trio.move_on_after(1000):
                await peer.closed()

            assert len(place.node.deadlines) == 0
            assert len(place.node.connections) == 1

    @pytest.mark.parametrize("answer", [RefreshResult(expire_at=1), errors.Unauthorized("no")])
    async def test_a_time_that_has_passed_or_a_refusal_ends_it(self, answer, autojump_clock):
        async with serve(refresh=Recorder(answer)) as place:
            peer = await place.connect(claims={"exp": after(60)})

            assert (await peer.closed()).code == 3005

    async def test_while_the_application_is_away_the_client_stays_and_it_is_asked_again(self, autojump_clock):
        away = errors.HookUnavailable("away")
        refresh = Recorder(*[away] * 5, RefreshResult(expired=True))
        async with serve(refresh=refresh) as place:
            start = trio.current_time()
            peer = await place.connect(claims={"exp": after(60)})

            assert (await peer.closed()).code == 3005
            assert 60 + 5 * 10 <= trio.current_time() - start <= 60 + 5 * 21
            assert len(refresh.asked) == 6

    async def test_a_slow_one_is_not_asked_twice_at_once(self, autojump_clock):
        asked = []

        async def refresh(_request):
            asked.append(trio.current_time())
            await trio.sleep(5)
            return RefreshResult()

        async with serve(refresh=refresh) as place:
            peer = await place.connect(claims={"exp": after(60)})
            with trio.move_on_after(100):
                await peer.closed()

        assert len(asked) == 1


class TestSubRefresh:
    async def test_the_hook_prolongs_a_subscription_at_its_end(self, autojump_clock):
        subscribe = Recorder(SubscribeResult(expire_at=after(60)))
        sub_refresh = Recorder(RefreshResult(expire_at=after(200)), RefreshResult(expired=True))
        async with serve(subscribe=subscribe, sub_refresh=sub_refresh) as place:
            start = trio.current_time()
            peer = await place.connect()

            assert await peer.do("subscribe", channel="asked:a") == {}
            assert await peer.push() == {
                "channel": "asked:a",
                "unsubscribe": {"code": 2501, "reason": "subscription expired"},
            }
            assert seconds(start) == 200
            assert [asked.channel for asked in sub_refresh.asked] == ["asked:a", "asked:a"]
            assert await peer.do("subscribe", channel="open:a") == {}

    async def test_a_client_can_not_prolong_it_by_a_token(self, autojump_clock):
        async with serve(sub_refresh=Recorder(RefreshResult())) as place:
            peer = await place.connect()
            asked = {"channel": "asked:a", "token": token(channel="asked:a", exp=after(60))}
            assert await peer.do("subscribe", **asked) == {}
            await peer.command(("sub_refresh", asked))

            assert (await peer.closed()).code == 3501

    async def test_one_from_the_servers_side_ends_with_the_connection(self, autojump_clock):
        channels = {"asked:a": SubscribeResult(expire_at=after(60))}
        connect = Recorder(ConnectResult(User("7"), channels=channels))
        async with serve(connect=connect, sub_refresh=Recorder(RefreshResult(expired=True))) as place:
            peer = await dial(place)

            assert (await peer.closed()).code == 3006

    async def test_while_the_application_is_away_the_client_stays_subscribed(self, autojump_clock):
        subscribe = Recorder(SubscribeResult(expire_at=after(60)))
        sub_refresh = Recorder(errors.HookUnavailable("away"), RefreshResult())
        async with serve(subscribe=subscribe, sub_refresh=sub_refresh) as place:
            peer = await place.connect()
            await peer.do("subscribe", channel="asked:a")
            with trio.move_on_after(500):
                await peer.closed()

            assert len(sub_refresh.asked) == 2
            assert place.left["deadlines"] == 0
            assert place.left["subscriptions"] == 2


def test_who_a_client_is_says_one_hook():
    with pytest.raises(ValueError, match="give one of them"):
        Hooks(authenticate=Recorder(None), connect=Recorder(None))


@pytest.mark.parametrize(
    ("namespaces", "missing", "place"),
    [
        (
            Namespaces(without_namespace=ChannelRules(subscribe_proxy_enabled=True)),
            "subscribe",
            "[channel.without_namespace]",
        ),
        (Namespaces(named={"a": ChannelRules(publish_proxy_enabled=True)}), "publish", "the namespace a"),
        (Namespaces(inbox=InboxRules(publish_proxy_enabled=True)), "publish", "[inbox]"),
        (Namespaces(named={"a": ChannelRules(sub_refresh_proxy_enabled=True)}), "sub_refresh", "the namespace a"),
    ],
)
def test_a_hook_that_a_namespace_counts_on_must_be_there(namespaces, missing, place):
    told = f"{missing}_proxy_enabled in {place}: expected the hook {missing}"
    with pytest.raises(errors.ConfigurationError, match="^" + re.escape(told)):
        namespaces.check_hooks(Hooks().given())

    namespaces.check_hooks(Hooks(**{missing: Recorder(None)}).given())
    Namespaces().check_hooks(Hooks().given())
