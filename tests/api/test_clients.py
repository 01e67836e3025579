"""What the API asks about clients reaches the nodes as directives, and what they know comes back."""

from __future__ import annotations

import base64

import msgspec
import pytest
from msgspec import Raw

from tests.api.calling import NODE
from trio_gateway.model.directives import DisconnectUser, Override, RefreshUser, SubscribeUser, UnsubscribeUser
from trio_gateway.model.errors import BrokerUnavailable
from trio_gateway.model.presence import Member

ENCODED = base64.b64encode(b"[1]").decode()


def shown(told):
    """Show a directive with its raw JSON read: older msgspecs compare it by identity, older clients write it with spaces."""
    if isinstance(told, tuple):
        return told
    fields = msgspec.structs.asdict(told)
    return type(told), {
        name: msgspec.json.decode(value) if isinstance(value, Raw) else value for name, value in fields.items()
    }


@pytest.mark.parametrize(
    ("method", "request_", "directive"),
    [
        ("subscribe", {"user": "7", "channel": "news"}, SubscribeUser(user="7", channel="news")),
        (
            "subscribe",
            {"user": "7", "channel": "news", "client": "c", "expire_at": 5, "info": {"a": 1}, "b64data": ENCODED},
            SubscribeUser(user="7", channel="news", client="c", expire_at=5, info=Raw(b'{"a":1}'), data=Raw(b"[1]")),
        ),
        (
            "subscribe",
            {"channel": "#8", "recover_since": {"offset": 3, "epoch": "e"}, "override": {"presence": {"value": True}}},
            SubscribeUser(user="", channel="#8", since="e:3", override=Override(presence=True)),
        ),
        ("subscribe", {"channel": "news", "recover_since": {}}, SubscribeUser(user="", channel="news", since="0")),
        ("unsubscribe", {"user": "7", "channel": "news"}, UnsubscribeUser(user="7", channel="news")),
        (
            "subscribe",
            {"user": "7", "channel": "news", "session": "s"},
            SubscribeUser(user="7", channel="news", session="s"),
        ),
        (
            "unsubscribe",
            {"user": "7", "channel": "news", "session": "s"},
            UnsubscribeUser(user="7", channel="news", session="s"),
        ),
        ("unsubscribe", {"user": "7", "channel": ""}, UnsubscribeUser(user="7", channel="")),
        ("disconnect", {}, DisconnectUser(user="", code=3503, reason="force disconnect")),
        (
            "disconnect",
            {"user": "7", "client": "c", "whitelist": ["d"], "disconnect": {"code": 4001, "reason": "go"}},
            DisconnectUser(user="7", client="c", code=4001, reason="go", keep=("d",)),
        ),
        ("disconnect", {"disconnect": {"code": 0}}, DisconnectUser(user="", code=3503, reason="force disconnect")),
        ("disconnect", {"disconnect": {"code": 4500}}, DisconnectUser(user="", code=4500, reason="")),
        ("refresh", {}, RefreshUser(user="")),
        ("refresh", {"user": None, "client": None, "info": None, "expired": None}, RefreshUser(user="")),
        (
            "disconnect",
            {"user": "7", "session": "s"},
            DisconnectUser(user="7", session="s", code=3503, reason="force disconnect"),
        ),
        ("refresh", {"user": "7", "session": "s"}, RefreshUser(user="7", session="s")),
        ("refresh", {"user": "7", "expired": True}, RefreshUser(user="7", expired=True)),
        (
            "refresh",
            {"user": "7", "expire_at": 9, "info": [None]},
            RefreshUser(user="7", expire_at=9, info=Raw(b"[null]")),
        ),
        ("block_user", {"user": "7", "seconds": 60}, ("block_user", "7", 60.0)),
        ("unblock_user", {"user": "7"}, ("unblock_user", "7")),
        ("revoke_user_tokens", {"user": "7"}, ("revoke_user_tokens", "7")),
        ("revoke_token", {"id": "t", "seconds": 0.5}, ("revoke_token", "t", 0.5)),
    ],
)
async def test_every_node_is_told(call, method, request_, directive):
    assert await call.result(method, **request_) == {}
    assert [shown(told) for told in call.control.told] == [shown(directive)]


@pytest.mark.parametrize(
    ("method", "request_", "code"),
    [
        ("subscribe", {"user": "7"}, 107),
        ("subscribe", {"user": "7", "channel": "nowhere:x"}, 102),
        ("subscribe", {"user": "7", "channel": "$:control"}, 107),
        ("subscribe", {"user": "7", "channel": "news", "b64info": "*"}, 107),
        ("subscribe", {"user": "7", "channel": "news", "expire_at": -1}, 107),
        ("subscribe", {"user": "7", "channel": "news", "recover_since": {"offset": 3}}, 107),
        ("subscribe", {"user": "7", "channel": "news", "recover_since": {"epoch": "e" * 65}}, 107),
        ("unsubscribe", {"user": "7", "channel": "nowhere:x"}, 102),
        ("disconnect", {"user": "7", "disconnect": {"code": 1000}}, 107),
        ("disconnect", {"user": "7", "disconnect": {"code": 5000}}, 107),
        ("disconnect", {"user": "7", "disconnect": {"reason": "ü" * 62}}, 107),
        ("block_user", {"user": "7"}, 107),
        ("block_user", {"user": "", "seconds": 1}, 107),
        ("block_user", {"user": "u" * 129, "seconds": 1}, 107),
        ("block_user", {"user": "7", "seconds": 0}, 107),
        ("block_user", {"user": "7", "seconds": 1e300}, 107),
        ("revoke_token", {"id": "", "seconds": 1}, 107),
        ("revoke_token", {"id": "i" * 257, "seconds": 1}, 107),
        ("revoke_token", {"id": "a\nb", "seconds": 1}, 107),
        ("rpc", {"method": "ping"}, 104),
        ("rpc", {}, 107),
        ("channels", {"pattern": "["}, 107),
        ("channels", {"pattern": "{a"}, 107),
        ("presence", {}, 107),
        ("presence", {"channel": "none:x"}, 108),
        ("presence", {"channel": "nowhere:x"}, 102),
        ("presence_stats", {"channel": "none:x"}, 108),
        ("presence_stats", {"channel": ""}, 107),
    ],
)
async def test_what_can_not_be_done_is_refused_with_a_reason_and_nobody_is_told(call, method, request_, code):
    refused, detail = await call.error(method, **request_)
    assert refused == code
    assert detail
    assert call.control.told == []


async def test_json_for_clients_that_is_no_json_is_refused(call):
    answer = await call.ask("/api/subscribe", content=b'{"channel": "news", "info": "\xff"}')
    assert answer.json()["error"]["code"] == 107


async def test_nodes_that_are_not_reached_are_error_100(call):
    call.control.error = BrokerUnavailable("no answer in time")
    assert await call.error("disconnect", user="7") == (100, "no answer in time")


async def test_presence_shows_who_is_in_a_channel(call):
    info = b'{"user":"7","client":"c","conn_info":{"n":1},"chan_info":null}'
    await call.broker.join("news", Member("c", "7", info), ttl=60)
    await call.broker.join("news", Member("d", "7", b'{"user":"7","client":"d"}'), ttl=60)
    assert (await call.result("presence", channel="news"))["presence"] == {
        "c": {"user": "7", "client": "c", "conn_info": {"n": 1}, "chan_info": None},
        "d": {"user": "7", "client": "d"},
    }
    assert await call.result("presence_stats", channel="news") == {"num_clients": 2, "num_users": 1}


async def test_what_somebody_else_wrote_into_the_store_is_shown_as_it_is(call):
    await call.broker.join("news", Member("c", "7", b'{"user":7}'), ttl=60)
    await call.broker.publish("news", b"1", info=b'{"client":[]}')
    assert await call.result("presence", channel="news") == {"presence": {"c": {"user": 7}}}
    (shown,) = (await call.result("history", channel="news", limit=1))["publications"]
    assert shown["info"] == {"client": []}


async def test_an_empty_channel_has_an_empty_presence(call):
    assert await call.result("presence", channel="#7") == {"presence": {}}
    assert await call.result("presence_stats", channel="#7") == {"num_clients": 0, "num_users": 0}


async def test_channels_are_those_with_subscribers(call):
    call.control.subscribers = {"chat:a": 2}
    assert await call.result("channels", pattern="chat:*") == {"channels": {"chat:a": {"num_clients": 2}}}
    assert call.control.told == [("channels", "chat:*")]


async def test_info_shows_every_node(call):
    (node,) = (await call.result("info"))["nodes"]
    assert (node["uid"], node["name"], node["uptime"]) == (NODE.uid, NODE.name, NODE.uptime)
