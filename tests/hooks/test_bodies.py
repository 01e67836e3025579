"""What a back end is asked and what it answers have the fields of Centrifugo's HTTP proxies."""

from __future__ import annotations

import base64
import json
from contextlib import suppress

import msgspec
import pytest
from hooks.asking import CLIENT, REQUESTS, STRANGER, asking
from msgspec import Raw

from trio_gateway.hooks.http.results import (
    MAX_SUBSCRIPTIONS,
    read_connect,
    read_publish,
    read_refresh,
    read_rpc,
    read_subscribe,
)
from trio_gateway.hooks.requests import ConnectRequest, RpcRequest
from trio_gateway.hooks.results import ConnectResult, PublishResult, RefreshResult, RpcResult, SubscribeResult
from trio_gateway.model.directives import Override
from trio_gateway.model.errors import Disconnected
from trio_gateway.model.user import ANONYMOUS, User

ABOUT = {"client": "c1", "transport": "websocket", "protocol": "json", "encoding": "json"}
BODIES = {
    "connect": {**ABOUT, "name": "js", "version": "5", "data": {"a": 1}, "channels": ["news", "chat"]},
    "subscribe": {**ABOUT, "user": "56", "channel": "chat:index", "data": [1]},
    "publish": {**ABOUT, "user": "56", "channel": "chat:index", "data": {"input": "hello"}},
    "rpc": {**ABOUT, "user": "56", "method": "getCurrentPrice", "data": {"params": {"object_id": 12}}},
    "refresh": {**ABOUT, "user": "56"},
    "sub_refresh": {**ABOUT, "user": "56", "channel": "chat:index"},
    "disconnected": {**ABOUT, "user": "56", "code": 3000, "reason": "connection closed", "node": "n1"},
}


async def body_of(hook, asked, **options):
    """Have something asked, and give the body that is sent."""
    async with asking({"disconnect": {"code": 4000}}, hook, **options) as (caller, back_end):
        with suppress(Disconnected):  # what it answers is of no interest
            await caller.ask(asked)
    (body,) = back_end.bodies
    return body


@pytest.mark.parametrize("hook", BODIES)
async def test_a_request_has_these_fields(hook):
    assert await body_of(hook, REQUESTS[hook]) == BODIES[hook]


@pytest.mark.parametrize("hook", BODIES)
async def test_the_meta_is_sent_where_it_is_asked_for(hook):
    meta = {} if hook == "connect" else {"meta": {"plan": "free"}}

    assert await body_of(hook, REQUESTS[hook], include_connection_meta=True) == {**BODIES[hook], **meta}


async def test_what_is_not_there_is_left_out():
    connect = ConnectRequest(client=STRANGER, http=None)
    rpc = RpcRequest(client=STRANGER, method="", raw=b"null")

    assert await body_of("connect", connect) == ABOUT
    assert await body_of("rpc", rpc, include_connection_meta=True) == {**ABOUT, "user": "", "data": None}


async def test_data_is_passed_on_to_the_byte():
    text = b'{"n": 1e999, "d": 0.10}'
    async with asking({"result": {}}) as (caller, back_end):
        await caller.ask(RpcRequest(client=CLIENT, method="x", raw=text))

    assert text in back_end.requests[0].content


def encoded(value):
    return base64.b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    ("read", "answer", "result"),
    [
        (read_connect, {"user": "56"}, ConnectResult(User("56"))),
        (read_connect, {"user": ""}, ConnectResult(ANONYMOUS)),
        (
            read_connect,
            {
                "user": "56",
                "expire_at": 1565436268,
                "info": {"name": "x"},
                "data": [1],
                "meta": {"k": "v"},
                "channels": ["a", "b"],
                "caps": [],
            },
            ConnectResult(
                User("56"),
                expire_at=1565436268,
                info=Raw(b'{"name":"x"}'),
                data=Raw(b"[1]"),
                meta=Raw(b'{"k":"v"}'),
                channels={"a": SubscribeResult(), "b": SubscribeResult()},
            ),
        ),
        (
            read_connect,
            {"user": "56", "channels": ["a"], "subs": {"b": {"data": 1, "override": {"presence": {"value": True}}}}},
            ConnectResult(
                User("56"), channels={"b": SubscribeResult(data=Raw(b"1"), override=Override(presence=True))}
            ),
        ),
        (
            read_connect,
            {"user": "56", "b64info": encoded({"a": 1}), "b64data": encoded([1])},
            ConnectResult(User("56"), info=Raw(b'{"a":1}'), data=Raw(b"[1]")),
        ),
        (read_connect, {"user": "56", "info": None}, ConnectResult(User("56"))),
        (read_subscribe, {}, SubscribeResult()),
        (
            read_subscribe,
            {"info": 1, "data": 2, "expire_at": 3, "override": {"force_recovery": {"value": False}}},
            SubscribeResult(info=Raw(b"1"), data=Raw(b"2"), expire_at=3, override=Override(force_recovery=False)),
        ),
        (read_publish, {}, PublishResult()),
        (
            read_publish,
            {
                "data": {"a": 1},
                "skip_history": True,
                "tags": {"a": "b"},
                "idempotency_key": "k",
                "version": 3,
                "version_epoch": "e",
                "delta": True,
            },
            PublishResult(
                data=Raw(b'{"a":1}'),
                skip_history=True,
                tags={"a": "b"},
                id="k",
                version=3,
                version_epoch="e",
                delta=True,
            ),
        ),
        (read_rpc, {}, RpcResult()),
        (read_rpc, {"data": {"a": 1}}, RpcResult(data=Raw(b'{"a":1}'))),
        (read_rpc, {"b64data": encoded(7)}, RpcResult(data=Raw(b"7"))),
        (read_refresh, {"expire_at": 1565436268}, RefreshResult(expire_at=1565436268)),
        (read_refresh, {"expired": True}, RefreshResult(expired=True)),
        (read_refresh, {"info": {"a": 1}}, RefreshResult()),
    ],
)
def test_an_answer_is_read(read, answer, result):
    assert read(json.dumps(answer).encode()) == result


@pytest.mark.parametrize(
    ("read", "answer"),
    [
        (read_connect, {}),
        (read_connect, {"user": 56}),
        (read_connect, {"user": "x" * 129}),
        (read_connect, {"user": "a\nb"}),
        (read_connect, {"user": "56", "expire_at": -1}),
        (read_connect, {"user": "56", "expire_at": "soon"}),
        (read_connect, {"user": "56", "channels": [""]}),
        (read_connect, {"user": "56", "channels": [f"c{n}" for n in range(MAX_SUBSCRIPTIONS + 1)]}),
        (read_connect, {"user": "56", "b64info": "é"}),
        (read_connect, {"user": "56", "b64data": base64.b64encode(b"no json").decode()}),
        (read_subscribe, []),
        (read_publish, {"tags": {"a": 1}}),
        (read_publish, {"version": -1}),
        (read_rpc, {"b64data": "="}),
        (read_refresh, {"expired": "no"}),
    ],
)
def test_one_of_another_shape_is_not(read, answer):
    with pytest.raises(ValueError, match=r"."):
        read(msgspec.json.encode(answer))
