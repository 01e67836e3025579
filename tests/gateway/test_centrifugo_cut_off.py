"""Whatever a connecting client waits for may hang, fail or be cut off: nothing of it is left then."""

import pytest
import trio
from gateway.peers import NOTHING, SDK_PATH, SdkPeer, request, serve_sdk_place, token, unix_time
from gateway.shared_broker import SharedBroker
from trio.testing import wait_all_tasks_blocked
from wire.client_frames import client_frame

from trio_gateway.gateway.opening.entering import place_of
from trio_gateway.model import codes
from trio_gateway.model.errors import BrokerUnavailable
from trio_gateway.settings.namespaces import ChannelRules, InboxRules, Namespaces

RULES = Namespaces(
    inbox=InboxRules(presence=True),
    named={
        "room": ChannelRules(
            allow_subscribe_for_client=True,
            allow_presence_for_subscriber=True,
            presence=True,
            join_leave=True,
            force_recovery=True,
            history_size=5,
        )
    },
)

CALLS = 16
"""Calls of the store in one story, at least; each is once the one that hangs or fails."""


HANGING_SECONDS = 30


class Trouble:
    """Let the call with one number meet trouble, counted from the start of the story."""

    def __init__(self, number, meet):
        self.number = number
        self.meet = meet
        self.calls = []

    async def __call__(self, name):
        self.calls.append(name)
        if len(self.calls) == self.number:
            await self.meet()


async def hang():
    """Give no answer, as long as a broker waits for one."""
    await trio.sleep(HANGING_SECONDS)
    raise BrokerUnavailable("no answer")


async def fail():
    raise BrokerUnavailable("away")


async def tell_story(place):
    """Connect a device that missed something, with a channel of its token; then subscribe, and unsubscribe."""
    peer = place.wire(speak=SdkPeer)
    claims = {"channels": ["room:a"], "exp": int(unix_time()) + 600}
    where = {"recover": True, "offset": 1, "epoch": "x"}
    await peer.write(request(SDK_PATH))
    await peer.read_head()
    connect = {"token": token(**claims), "data": {"device": "d"}, "subs": {"#7": where, "room:a": where}}
    await peer.command(
        ("connect", connect),
        ("subscribe", {"channel": "room:b", "recover": True}),
        ("presence_stats", {"channel": "room:b"}),
        ("unsubscribe", {"channel": "room:b"}),
        ("subscribe", {"channel": "room:c"}),
    )
    return peer


async def check_nothing_is_left(place):
    place.broker.trouble = None
    await trio.sleep(HANGING_SECONDS + 2)
    assert place.left == NOTHING
    for channel in ("room:a", "room:b", "room:c", "#7", place_of("7")):
        assert await place.broker.presence(channel) == {}
    await trio.sleep(60)  # nor is it put back by a renewal
    for channel in ("room:a", "room:b", "room:c", "#7", place_of("7")):
        assert await place.broker.presence(channel) == {}


def serve():
    broker = SharedBroker(namespaces=RULES)
    return serve_sdk_place(broker=broker, namespaces=RULES, max_connections_per_user=5)


async def test_the_story_has_as_many_calls_as_are_troubled_here(autojump_clock):
    async with serve() as place:
        await wait_all_tasks_blocked()
        place.broker.trouble = Trouble(0, fail)
        peer = await tell_story(place)
        assert "connect" in await peer.receive()
        await wait_all_tasks_blocked()

        calls = place.broker.trouble.calls
        assert len(calls) == CALLS, calls
        assert {"join", "attach", "follow", "leave", "presence_statistics"} <= set(calls)


@pytest.mark.parametrize("number", range(1, CALLS + 1))
async def test_a_client_that_is_told_to_leave_while_a_call_hangs(number, autojump_clock):
    async with serve() as place:
        await wait_all_tasks_blocked()
        place.broker.trouble = Trouble(number, hang)
        peer = await tell_story(place)
        await wait_all_tasks_blocked()
        start = trio.current_time()
        for connection in tuple(place.node.connections):
            connection.leave(codes.SHUTDOWN)
        await peer.closed()

        assert trio.current_time() - start <= 5.1
        await check_nothing_is_left(place)


@pytest.mark.parametrize("number", range(1, CALLS + 1))
async def test_a_client_that_vanishes_while_a_call_fails(number, autojump_clock):
    async with serve() as place:
        await wait_all_tasks_blocked()
        place.broker.trouble = Trouble(number, fail)
        peer = await tell_story(place)
        await wait_all_tasks_blocked()
        await peer.stream.aclose()
        await wait_all_tasks_blocked()

        await check_nothing_is_left(place)


@pytest.mark.parametrize("number", range(1, 5))
async def test_a_call_that_fails_while_it_connects_is_answered_100_and_may_be_repeated_on_a_new_connection(
    number, autojump_clock
):
    async with serve() as place:
        await wait_all_tasks_blocked()
        place.broker.trouble = Trouble(number, fail)
        peer = await tell_story(place)
        reply = await peer.receive()

        assert reply["error"] == {"code": 100, "message": "internal server error", "temporary": True}
        assert (await peer.closed()).code == 3501  # for what stands behind the connect
        await check_nothing_is_left(place)
        assert await place.connect(data={"device": "d"})


@pytest.mark.parametrize("number", range(1, 5))
async def test_a_client_of_the_plain_protocol_whose_opening_takes_too_long(number, autojump_clock):
    async with serve() as place:
        await wait_all_tasks_blocked()
        place.broker.trouble = Trouble(number, hang)
        peer = place.wire()
        await peer.write(request(f"/ws?device=d&token={token()}"))
        await trio.sleep(15)
        await peer.stream.aclose()
        await wait_all_tasks_blocked()

        await check_nothing_is_left(place)


async def test_an_unsubscribe_by_the_server_while_presence_is_still_joined_leaves_no_ghost(autojump_clock):
    async with serve() as place:
        await wait_all_tasks_blocked()
        hanging, go = trio.Event(), trio.Event()
        joins = 0

        async def trouble(name):
            nonlocal joins
            joins += name == "join"
            if joins == 2 and not go.is_set():  # the first is the user's place
                hanging.set()
                await go.wait()

        place.broker.trouble = trouble
        peer = await place.connect(claims={"channels": ["room:a", "room:b"]})
        await hanging.wait()
        (connection,) = place.node.connections
        connection._writer.do_soon(lambda: connection._orders.unsubscribe("room:b", codes.SERVER_UNSUBSCRIBE))
        await wait_all_tasks_blocked()
        go.set()
        assert (await peer.push())["unsubscribe"]["code"] == 2000
        await peer.write(client_frame(b"{}"))
        await wait_all_tasks_blocked()

        assert await place.broker.presence("room:b") == {}
