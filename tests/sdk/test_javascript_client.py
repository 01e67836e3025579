"""Our JavaScript client in Node, against real gateways: what it sends is stored once, what it receives it has once and in order."""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable
from functools import partial

import pytest
import trio
from e2e.gateway_process import children, until
from sdk.driving import SdkClient, SdkError, plain_driver
from sdk.nodes import Node, new_channel, new_user, token

Open = Callable[..., Awaitable[SdkClient]]


@pytest.fixture(scope="session", params=["websocket", "http"])
def way(request) -> str:
    """Name how clients connect: by a WebSocket, or as they do where there is none."""
    return request.param


@pytest.fixture(scope="session")
def driver(way):
    driver = plain_driver(websocket=way == "websocket")
    yield driver
    driver.close()


@pytest.fixture
def with_channels(way):
    """Leave out what needs a WebSocket."""
    if way == "http":
        pytest.skip("channels need a WebSocket")


@pytest.fixture
def join(driver, nursery) -> Open:
    """Give what connects a client as a user to a port, and waits until it is online."""

    async def join(port: int, user: str, **options: object) -> SdkClient:
        client = await driver.open(nursery)
        await client.ask("connect", url=f"ws://127.0.0.1:{port}/ws", tokens=[token(user)], **options)
        await client.event("state", state="online")
        return client

    return join


@pytest.fixture
async def own_node(tmp_path) -> Node:
    """Give a gateway that a test may end."""
    node = Node(tmp_path / "node", "--appendfsync", "always")
    try:
        await node.start()
        yield node
    finally:
        node.close()


async def subscribe(client: SdkClient, channel: str, **options: object) -> None:
    await client.ask("subscribe", channel=channel, **options)
    await client.event("subscribed", channel)


async def take(client: SdkClient, channel: str, count: int) -> list[object]:
    """Take the data of the next messages of a channel."""
    return [(await client.event("message", channel))["data"] for _ in range(count)]


async def test_one_user_sends_to_another(one, two, join):
    alice, bob = new_user(), new_user()
    sender, receiver = await join(one.port, alice), await join(two.port, bob)
    offset = await sender.ask("send", to=bob, data={"text": "hi"}, id="m1")
    message = await receiver.event("message", f"#{bob}")

    assert (message["data"], message["from"], message["id"]) == ({"text": "hi"}, alice, "m1")
    assert message["offset"] == offset
    assert await sender.ask("send", to=bob, data={"text": "hi"}, id="m1") == offset


async def test_what_a_server_refuses_has_its_code(one, join):
    client = await join(one.port, new_user())
    with pytest.raises(SdkError) as refused:
        await client.ask("publish", channel="#somebody", data="sneaky")

    assert refused.value.code == 103


async def test_a_device_gets_what_it_has_not_acknowledged_and_nothing_else(one, join):
    user = new_user()
    first = await join(one.port, user, device="phone", autoAck=False)
    await one.publish(f"#{user}", 1, 2, 3)
    messages = [await first.event("message", f"#{user}") for _ in range(3)]
    await first.ask("ack", **{name: messages[1][name] for name in ("channel", "position")})
    await first.ask("close")
    await one.publish(f"#{user}", 4)
    second = await join(one.port, user, device="phone")

    assert await take(second, f"#{user}", 2) == [3, 4]


async def test_what_listeners_got_is_acknowledged_by_itself_when_the_client_is_closed(one, join):
    user = new_user()
    first = await join(one.port, user, device="phone")
    await one.publish(f"#{user}", 1)
    assert await take(first, f"#{user}", 1) == [1]
    await first.ask("close")
    await one.publish(f"#{user}", 2)

    assert await take(await join(one.port, user, device="phone"), f"#{user}", 1) == [2]


@pytest.mark.usefixtures("with_channels")
async def test_a_channel_is_recovered_over_cut_links(one, two, proxy, join):
    user, channel = new_user(), new_channel()
    client = await join(proxy.port, user)
    await subscribe(client, channel)
    for number in range(5):
        await two.publish(channel, number)
        await two.publish(f"#{user}", number)
        proxy.cut()
        await client.event("state", state="connecting")
        await two.publish(channel, f"{number} in between")
        proxy.mend()
        await client.event("subscribed", channel)
    expected = [each for number in range(5) for each in (number, f"{number} in between")]

    assert await take(client, channel, 10) == expected
    assert await take(client, f"#{user}", 5) == list(range(5))
    assert client.seen("gap", channel) == []


@pytest.mark.usefixtures("with_channels")
async def test_what_a_short_history_has_lost_is_a_gap(one, proxy, join):
    channel = new_channel("short")
    client = await join(proxy.port, new_user())
    await subscribe(client, channel)
    proxy.cut()
    await client.event("state", state="connecting")
    await one.publish(channel, *range(1, 7))
    proxy.mend()
    gap = await client.event("gap", channel)

    assert (gap["from"], gap["to"]) == (1, 3)
    assert await take(client, channel, 3) == [4, 5, 6]


async def test_what_it_sends_while_links_are_cut_is_stored_once_and_in_order(one, proxy, join):
    alice, bob = new_user(), new_user()
    sender, receiver = await join(proxy.port, alice), await join(one.port, bob)
    async with trio.open_nursery() as nursery:
        for start in range(0, 400, 100):
            nursery.start_soon(partial(sender.ask, "burst", to=bob, data=list(range(start, start + 100))))
            await receiver.event("message", f"#{bob}", data=start)
            proxy.cut()
            await sender.event("state", state="connecting")
            proxy.mend()
            await sender.event("state", state="online")
    await one.publish(f"#{bob}", "last")

    assert await take(receiver, f"#{bob}", 397) == [*(n for n in range(400) if n % 100), "last"]


async def test_a_killed_gateway_is_met_again_and_nothing_is_missing(own_node, join):
    user = new_user()
    client = await join(own_node.port, user, device="phone")
    await own_node.publish(f"#{user}", "before")
    own_node.kill()
    await client.event("state", state="connecting", code=1006)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(client.ask, "send", to=user, data="meanwhile"))
        await own_node.start()
    await client.event("state", state="online")
    await own_node.publish(f"#{user}", "after")

    assert await take(client, f"#{user}", 3) == ["before", "meanwhile", "after"]


async def test_a_gateway_that_stops_says_goodbye_and_is_met_again(own_node, join):
    client = await join(own_node.port, new_user())
    await own_node.stop()
    await client.event("state", state="connecting", code=3001, reason="shutdown")
    await own_node.start()

    await client.event("state", state="online")


async def test_a_store_that_hangs_delays_what_is_sent_and_doubles_nothing(own_node, join):
    user = new_user()
    client = await join(own_node.port, user)
    (valkey,) = children(own_node.pid)
    os.kill(valkey, signal.SIGSTOP)
    await own_node.turns_red()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(client.ask, "send", to=user, data="slowly"))
        await trio.lowlevel.checkpoint()
        os.kill(valkey, signal.SIGCONT)
    await client.ask("send", to=user, data="last")

    assert await take(client, f"#{user}", 2) == ["slowly", "last"]


async def test_who_gives_up_is_told_why(own_node, join):
    client = await join(own_node.port, new_user())
    own_node.kill()
    with pytest.raises(SdkError, match="timeout"):
        await client.ask("send", to="8", data="too late", seconds=0.1)


async def test_a_frame_that_is_too_big_is_refused_alone(one, join):
    user = new_user()
    client = await join(one.port, user)
    answers: dict[str, object] = {}

    async def send(name: str, data: str) -> None:
        try:
            answers[name] = await client.ask("send", to=user, data=data)
        except SdkError as error:
            answers[name] = error.code

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send, "large", "x" * 200_000)
        nursery.start_soon(send, "small", "x")
    assert (await client.event("message", f"#{user}"))["data"] == "x"
    assert answers["large"] == 107


async def test_a_user_who_is_disconnected_for_good_stays_away(one, join):
    user = new_user()
    client = await join(one.port, user)
    await one.api("disconnect", user=user)

    assert (await client.event("state", state="closed"))["code"] == 3503


async def test_a_token_that_expires_is_replaced_by_the_next_one(one, driver, nursery):
    user = new_user()
    client = await driver.open(nursery)
    tokens = [token(user, expires_in=1), token(user)]
    await client.ask("connect", url=f"ws://127.0.0.1:{one.port}/ws", tokens=tokens)
    await client.event("state", state="online")
    await client.event("state", state="connecting", code=3005)

    await client.event("state", state="online")


async def test_a_token_that_is_refused_is_told(one, driver, nursery):
    client = await driver.open(nursery)
    await client.ask("connect", url=f"ws://127.0.0.1:{one.port}/ws", tokens=["a.b.c"])

    assert (await client.event("state", state="closed"))["code"] == 101


async def test_a_request_that_is_malformed_is_told(one, driver, nursery):
    client = await driver.open(nursery)
    await client.ask("connect", url=f"ws://127.0.0.1:{one.port}/ws", tokens=[token("8")], device="a b")

    assert (await client.event("state", state="closed"))["code"] == 107


async def test_a_token_that_was_refused_is_fetched_once_more(one, driver, way, nursery):
    """A WebSocket's refusal is not told, so the same token is first shown by HTTP."""
    client = await driver.open(nursery)
    refused = ["a.b.c"] * (2 if way == "websocket" else 1)
    await client.ask("connect", url=f"ws://127.0.0.1:{one.port}/ws", tokens=[*refused, token(new_user())])

    await client.event("state", state="online")


async def test_many_messages_come_in_order(one, two, join):
    user, count = new_user(), 2_000
    client = await join(one.port, user)
    for start in range(0, count, 100):
        await two.publish(f"#{user}", *range(start, start + 100))
    await until(lambda: len(client.seen("message", f"#{user}")) >= count)

    assert [each["data"] for each in client.seen("message", f"#{user}")] == list(range(count))
