"""A back end on a real socket answers the hooks of a whole gateway, or does not."""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from functools import partial

import msgspec
import pytest
import trio
from gateway.peers import SdkPeer, request
from hooks.http_server import Application, serving

from trio_gateway import MemoryBroker, connect, errors, open_gateway
from trio_gateway.hooks.hooks import Hooks
from trio_gateway.hooks.http.back_end import SHAPES, BackEnd
from trio_gateway.hooks.results import RpcResult
from trio_gateway.settings.back_end import HOOKS, BackEndRules, HookRules
from trio_gateway.settings.namespaces import ChannelRules, Namespaces
from trio_gateway.settings.settings import Settings

SECONDS = 20
"""For what takes milliseconds, on a loaded machine."""

ASKED = ChannelRules(subscribe_proxy_enabled=True, publish_proxy_enabled=True, sub_refresh_proxy_enabled=True)


@asynccontextmanager
async def gateway_with(url, *, hooks=None, names=tuple(SHAPES), **options):
    """Run a gateway that asks the back end at this URL."""
    back_end = BackEndRules(
        **{name: HookRules(**{"url": f"{url}/{name}", "timeout": SECONDS} | options) for name in names}
    )
    settings = Settings(
        port=0,
        admin_port=0,
        drain_seconds=0,
        handshake_seconds=2 * SECONDS,
        back_end=back_end,
        namespaces=Namespaces(named={"asked": ASKED} if "subscribe" in names else {}),
    )
    with trio.fail_after(2 * SECONDS):
        async with open_gateway(settings, hooks=hooks, broker=MemoryBroker.of(settings)) as gateway:
            await gateway.wait_ready()
            yield gateway


@asynccontextmanager
async def sdk_client(gateway, **headers):
    """Open a WebSocket for the Centrifugo protocol."""
    stream = await trio.open_tcp_stream("127.0.0.1", gateway.port)
    async with stream:
        peer = SdkPeer.__new__(SdkPeer)
        peer.stream, peer.buffer, peer.pings, peer.answers_pings = stream, b"", 0, True
        peer.lines, peer.pushes, peer.id = [], [], 0
        await peer.write(request("/connection/websocket", headers=list(headers.items())))
        assert (await peer.read_head()).startswith("HTTP/1.1 101 ")
        yield peer


def test_every_hook_that_a_back_end_answers_has_its_shapes():
    assert tuple(SHAPES) == HOOKS


async def test_a_function_of_the_application_takes_the_place_of_an_url():
    async def rpc(_request):
        return RpcResult(data="from inside")

    back_end = BackEnd(
        BackEndRules(rpc=HookRules(url="http://a"), publish=HookRules(url="http://a", http_headers=["Cookie"]))
    )
    hooks = back_end.behind(Hooks(rpc=rpc, headers={"X-Own"}))

    assert hooks.rpc is rpc
    assert hooks.publish is not None
    assert hooks.connect is None
    assert hooks.headers == {"cookie", "x-own"}


async def test_authentication_of_the_application_takes_the_place_of_connect():
    async def authenticate(_request):
        raise AssertionError

    hooks = BackEnd(BackEndRules(connect=HookRules(url="http://a"))).behind(Hooks(authenticate=authenticate))

    assert hooks.connect is None


async def test_an_sdks_client_is_let_in_subscribes_publishes_and_calls():
    application = Application()
    async with serving(application) as url, gateway_with(url, http_headers=["Cookie"]) as gateway:
        async with sdk_client(gateway, Cookie="session=1") as peer:
            connected = await peer.do("connect", data={"a": 1})
            await peer.do("subscribe", channel="asked:a")
            await peer.do("publish", channel="asked:a", data={"text": "hi"})
            push = await peer.push()
            answered = await peer.do("rpc", method="answer", data=None)
        statistics = gateway.hooks()

    assert connected["data"] == {"hello": "there"}
    assert connected["subs"].keys() == {"#7", "news"}
    assert push["pub"]["data"] == {"text": "hi"}
    assert answered == {"data": {"answer": 42}}
    assert application.asked["connect"][0]["data"] == {"a": 1}
    assert application.asked["publish"][0]["user"] == "7"
    assert {headers["cookie"] for headers in application.headers.values()} == {"session=1"}
    assert [statistics[name].calls for name in ("connect", "subscribe", "publish", "rpc", "refresh")] == [1, 1, 1, 1, 0]


async def test_a_client_of_the_plain_protocol_too():
    async with (
        serving(Application()) as url,
        gateway_with(url) as gateway,
        connect(f"ws://127.0.0.1:{gateway.port}/ws") as inbox,
    ):
        await inbox.send("7", "to myself")
        assert (await anext(inbox)).data == "to myself"


async def test_who_is_refused_learns_why():
    application = Application()
    application.answers["connect"] = {"error": {"code": 401, "message": "who are you?"}}
    async with serving(application) as url, gateway_with(url) as gateway:
        with pytest.raises(errors.RequestError):
            async with connect(f"ws://127.0.0.1:{gateway.port}/ws"):
                pass
        async with sdk_client(gateway) as peer:
            assert (await peer.ask("connect"))["error"] == {"code": 401, "message": "who are you?"}


async def raw_server(handle, *, task_status=trio.TASK_STATUS_IGNORED):
    await trio.serve_tcp(handle, 0, host="127.0.0.1", task_status=task_status)


@asynccontextmanager
async def answering(*parts):
    """Answer each request with these bytes, one after the other, and end the link."""

    async def handle(stream):
        await stream.receive_some(65536)
        with suppress(trio.BrokenResourceError):  # nobody reads more than is allowed
            for part in parts:
                await stream.send_all(part)

    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(raw_server, handle)
        yield f"http://127.0.0.1:{listener.socket.getsockname()[1]}"
        nursery.cancel_scope.cancel()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    ("parts", "failure"),
    [
        ((), "network"),
        ((b"no HTTP at all\r\n\r\n",), "network"),
        ((HEAD, b"Content-Length: 100\r\n\r\n", b'{"result":'), "network"),
        ((HEAD, b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\n{}"), "network"),
        ((HEAD, b"Content-Length: 9\r\n\r\n", b"<html></>"), "answer"),
        ((HEAD, b"Content-Length: 99999999\r\n\r\n", *[b" " * 65536] * 60), "answer"),
        ((b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",), "status"),
    ],
)
async def test_whatever_a_back_end_does_its_client_gets_one_error(parts, failure):
    async with answering(*parts) as url, gateway_with(url, names=["rpc"], hooks=Hooks(connect=let_in)) as gateway:
        async with sdk_client(gateway) as peer:
            await peer.do("connect")
            assert await peer.refused("rpc", method="x", data=1) == 100
            assert (await peer.ask("history", channel="#7", limit=0))["history"]

        assert {name for name, count in gateway.hooks()["rpc"].failures.items() if count} == {failure}


async def let_in(_request):
    from trio_gateway import ConnectResult, User

    return ConnectResult(User("7"))


async def test_one_that_is_gone_is_an_error_that_may_be_repeated():
    async with gateway_with("http://127.0.0.1:9") as gateway, sdk_client(gateway) as peer:
        error = (await peer.ask("connect"))["error"]
        status, body = await refused_upgrade(gateway)

    assert error == {"code": 100, "message": "internal server error", "temporary": True}
    assert (status, body["code"]) == (503, 100)


async def refused_upgrade(gateway):
    stream = await trio.open_tcp_stream("127.0.0.1", gateway.port)
    async with stream:
        await stream.send_all(request("/ws"))
        answer = b""
        async for data in stream:
            answer += data
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), msgspec.json.decode(body)


async def test_a_slow_one_does_not_keep_the_gateway_from_stopping():
    application = Application()
    application.answers["rpc"] = partial(trio.sleep, 3600)
    async with serving(application) as url, gateway_with(url, timeout=1) as gateway, sdk_client(gateway) as peer:
        await peer.do("connect")
        await peer.command(("rpc", {"method": "x"}))
        while "rpc" not in application.asked:
            await trio.sleep(0.01)


@pytest.mark.parametrize(
    "value", ["", " ", "\t", " a\tb ", "é", "\x85", "\xa0a\xa0", "a" * 20_000, ":", "\u20ac", "a\x00b", "a\nb"]
)
async def test_no_header_that_a_client_writes_counts_against_the_back_end(value):
    async with serving(Application()) as url, gateway_with(url, emulated_headers=["X-Any"]) as gateway:
        async with sdk_client(gateway) as peer:
            answer = await peer.ask("connect", headers={"X-Any": value})
        failures = gateway.hooks()["connect"].failures

    assert "connect" in answer or answer["error"]["code"] in (107, 100)
    assert failures["network"] == failures["timeout"] == 0
