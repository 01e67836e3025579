"""Hooks decide about single requests and streams as they do about WebSockets."""

from __future__ import annotations

import pytest
from captured_logs import capture_logs
from gateway.peers import NOTHING, token
from gateway.streams import StreamPeer, http_request
from gateway.test_hooks import NAMESPACES, Recorder
from gateway.test_unidirectional import open_at
from public.public_place import ask, serve_public
from trio.testing import wait_all_tasks_blocked

from trio_gateway import errors
from trio_gateway.hooks.hooks import Hooks
from trio_gateway.hooks.results import ConnectResult, PublishResult
from trio_gateway.model.codes import DisconnectCode
from trio_gateway.model.user import User
from trio_gateway.settings.namespaces import InboxRules, Namespaces

BY_HOOK = Namespaces(inbox=InboxRules(publish_proxy_enabled=True), named=NAMESPACES.named)


def serve(**hooks):
    return serve_public(insecure=False, hooks=Hooks(**hooks, headers={"cookie"}), namespaces=BY_HOOK)


class TestRequests:
    async def test_the_hook_says_whose_each_of_them_is(self, autojump_clock):
        connect = Recorder(ConnectResult(User("7")))
        async with serve(connect=connect, publish=Recorder(PublishResult())) as place:
            status, answer, _ = await ask(
                place, "/send?session=1", {"to": "8", "data": 1}, headers=[("Cookie", "session=1")]
            )

        assert (status, answer["offset"]) == (200, 1)
        asked = connect.asked[0]
        assert (asked.client.transport, asked.client.headers) == ("http", {"cookie": "session=1"})
        assert asked.http.query == {"session": ("1",)}

    @pytest.mark.parametrize(
        ("answer", "status"),
        [
            (errors.Unauthorized("no"), 401),
            (errors.Refused(1000, "no"), 403),
            (errors.Disconnected(DisconnectCode(4501, "no")), 403),
            (errors.HookUnavailable("away"), 503),
            (ConnectResult(User("")), 401),
        ],
    )
    async def test_who_is_refused_there_is_refused_here(self, answer, status, autojump_clock):
        async with serve(connect=Recorder(answer)) as place:
            assert (await ask(place, "/send", {"to": "8", "data": 1}))[0] == status
            assert (await ask(place, "/sse"))[0] == status

    @pytest.mark.parametrize("error", [ZeroDivisionError(), ConnectionRefusedError("no database"), EOFError()])
    async def test_a_hook_that_breaks_is_our_fault_and_told_to_pages_as_well(self, error, autojump_clock):
        page = [("Origin", "http://gateway.test")]
        async with serve(connect=Recorder(ConnectResult(User("7"))), publish=Recorder(error)) as place:
            with capture_logs() as logs:
                status, answer, head = await ask(place, "/send", {"to": "8", "data": 1}, headers=page)

        assert (status, answer["code"]) == (500, 100)
        assert "access-control-allow-origin: http://gateway.test" in head
        assert [(line["event"], line["log_level"]) for line in logs] == [("a request failed", "error")]

    async def test_what_is_published_is_asked_about(self, autojump_clock):
        publish = Recorder(PublishResult(data="***"), errors.Refused(1000, "no"), errors.HookUnavailable("away"))
        async with serve(connect=Recorder(ConnectResult(User("7"))), publish=publish) as place:
            sent = await ask(place, "/send", {"to": "8", "data": "rude", "id": "m"})
            refused = await ask(place, "/publish", {"channel": "asked:a", "data": 1})
            away = await ask(place, "/publish", {"channel": "asked:a", "data": 1})
            (kept,) = (await place.broker.read("#8", 0, 10)).publications
            nothing = await place.broker.read("asked:a", 0, 10)

        assert (sent[0], kept.data) == (200, b'"***"')
        assert (refused[0], refused[1]["code"]) == (403, 1000)
        assert (away[0], away[1]["code"]) == (503, 100)
        assert nothing.top == 0
        assert [(asked.channel, asked.id) for asked in publish.asked] == [("#8", "m"), ("asked:a", ""), ("asked:a", "")]


@pytest.mark.parametrize(
    ("path", "transport"),
    [
        ("/connection/uni_websocket", "uni_websocket"),
        ("/connection/uni_sse", "uni_sse"),
        ("/connection/uni_http_stream", "uni_http_stream"),
    ],
)
async def test_clients_that_only_listen_are_let_in_by_it(path, transport, autojump_clock):
    connect = Recorder(ConnectResult(User("7"), data=[1]))
    async with serve(connect=connect) as place:
        peer = await open_at(place, path, {"name": "listener", "data": {"a": 1}})
        pushed = await peer.receive()

        assert (pushed["connect"]["data"], list(pushed["connect"]["subs"])) == ([1], ["#7"])
        assert (connect.asked[0].client.transport, connect.asked[0].name) == (transport, "listener")
        assert connect.asked[0].data == {"a": 1}


@pytest.mark.parametrize(
    ("path", "transport"), [("/connection/sse", "sse"), ("/connection/http_stream", "http_stream")]
)
async def test_so_are_sdks_that_come_by_a_stream(path, transport, autojump_clock):
    connect = Recorder(ConnectResult(User("7")))
    async with serve(connect=connect) as place:
        peer = await place.wire(speak=StreamPeer).open(http_request(path, {"id": 1, "connect": {}}))

        assert list((await peer.receive())["connect"]["subs"]) == ["#7"]
        assert connect.asked[0].client.transport == transport


async def test_the_end_of_a_stream_is_told(autojump_clock):
    gone = Recorder(None)
    async with serve_public(insecure=True, hooks=Hooks(disconnected=gone), namespaces=NAMESPACES) as place:
        peer = await place.wire(speak=StreamPeer).open(http_request("/sse?user=7"))
        hello = await peer.receive()
        await peer.stream.aclose()
        await wait_all_tasks_blocked()

        assert [(asked.client.id, asked.client.transport) for asked in gone.asked] == [(hello["client"], "sse")]
        assert place.left == NOTHING


async def test_a_token_needs_no_hook(autojump_clock):
    connect = Recorder(errors.Unauthorized("no"))
    async with serve_public(
        insecure=False, token_secret="a secret of at least thirty-two bytes", hooks=Hooks(connect=connect)
    ) as place:
        assert (await ask(place, f"/send?token={token()}", {"to": "8", "data": 1}))[0] == 200
