"""A back end that is asked over HTTP decides what an SDK's client may do, and can be away for a while."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager

import pytest
from hooks.http_server import Application, serving
from sdk.driving import SdkError
from sdk.nodes import CONFIG, Node, new_user, token

ASKED = """
[[channel.namespaces]]
name = "asked"
subscribe_proxy_enabled = true
publish_proxy_enabled = true
sub_refresh_proxy_enabled = true
history_size = 0
"""


def config_for(url):
    tables = (
        f'[hooks.{hook}]\nurl = "{url}/{hook}"\ntimeout = "5s"\n'
        for hook in ("connect", "subscribe", "publish", "rpc", "refresh", "sub_refresh")
    )
    return CONFIG + ASKED + "\n".join(tables)


@asynccontextmanager
async def asking(folder, application):
    """Run a gateway that asks an application."""
    async with serving(application) as url:
        node = Node(folder)
        (folder / "gateway.toml").write_text(config_for(url))
        try:
            await node.start()
            yield node
        finally:
            node.close()


@pytest.fixture
async def application(tmp_path):
    application = Application()
    application.answers["connect"]["result"] = {"user": new_user(), "data": {"hello": "there"}}
    async with asking(tmp_path, application) as application.node:
        yield application


@pytest.fixture
def come(application, open_client):
    """Give what begins to connect a client, without a token."""

    async def come(**more):
        return await (await open_client()).connect(application.node.sdk_url, **more)

    return come


async def test_the_back_end_says_who_a_client_is_and_what_it_may_do(application, come):
    client = await come(data={"a": 1})
    connected = await client.event("connected")
    await client.subscribe("asked:a")
    application.answers["publish"] = {"result": {"data": {"text": "***"}}}
    await client.publish("asked:a", {"text": "rude"})
    heard = await client.event("publication", "asked:a")
    answered = await client.ask("rpc", method="answer", data=[1])

    assert connected["data"] == {"hello": "there"}
    assert application.asked["connect"][0]["data"] == {"a": 1}
    assert heard["data"] == {"text": "***"}
    assert answered == {"answer": 42}
    assert application.asked["rpc"][0]["data"] == [1]


async def test_what_it_refuses_the_sdk_says_in_its_words(application, come):
    refusal = {"error": {"code": 403, "message": "not for you"}}
    application.answers |= {"subscribe": refusal, "publish": refusal, "rpc": refusal}
    client = await (await come()).connected()
    refused = await client.refused("asked:a")
    with pytest.raises(SdkError, match="not for you") as failed:
        await client.ask("rpc", method="x", data=1)

    assert refused["code"] == failed.value.code == 403


async def test_who_is_turned_away_for_good_does_not_come_back(application, come):
    application.answers["connect"] = {"disconnect": {"code": 4501, "reason": "unauthorized"}}

    assert (await (await come()).event("disconnected"))["code"] == 4501


async def test_while_the_back_end_is_away_the_sdk_tries_again_by_itself(application, come):
    good, application.answers["connect"] = application.answers["connect"], {"wrong": 1}
    client = await come()
    await client.event("error")
    application.answers["connect"] = good

    await client.connected()


async def test_it_prolongs_connections_and_subscriptions_and_ends_them(application, come):
    soon = int(time.time()) + 1
    application.answers["connect"]["result"]["expire_at"] = soon
    application.answers["refresh"] = {"result": {"expire_at": soon + 3600}}
    application.answers["subscribe"] = {"result": {"expire_at": soon}}
    client = await (await come()).connected()
    await client.subscribe("asked:a")
    over = await client.event("subscribing", "asked:a", code=2501)

    assert over["reason"] == "subscription expired"
    assert len(application.asked["refresh"]) == 1
    assert len(application.asked["sub_refresh"]) == 1
    assert client.seen("disconnected") == []


async def test_a_token_is_still_taken(application, open_client):
    user = new_user()
    client = await (await open_client()).connect(application.node.sdk_url, token(user))
    await client.connected()

    assert "connect" not in application.asked
