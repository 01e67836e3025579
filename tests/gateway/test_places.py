"""Places that a dead node left behind keep nobody out; those of a living one do."""

import pytest
import trio
from gateway.peers import serve_sdk_place, token
from gateway.shared_broker import SharedBroker

from trio_gateway.gateway.admission.places import place_of
from trio_gateway.gateway.nodes.survey import ANSWER_SECONDS, NODES_CHANNEL
from trio_gateway.model.presence import Member


@pytest.fixture
def broker():
    return SharedBroker()


async def leave_behind(broker, user, *, info=b'{"node":"killed"}'):
    """Put into the store what a node leaves there that is killed."""
    await broker.join(NODES_CHANNEL, Member("killed", "", b"{}"), ttl=60)
    await broker.join(place_of(user), Member(f"its client of {user}", user, info), ttl=60)


async def test_who_was_on_a_killed_node_is_let_in_as_soon_as_nobody_answers_for_it(broker, autojump_clock):
    async with serve_sdk_place(broker=broker, max_connections_per_user=1) as place:
        await leave_behind(broker, "7")
        began = trio.current_time()
        await place.connect("7")

        assert trio.current_time() - began == pytest.approx(ANSWER_SECONDS)
        assert len(await broker.presence(place_of("7"))) == 1


async def test_the_places_of_a_living_node_stay_taken(broker, autojump_clock):
    async with (
        serve_sdk_place(broker=broker, max_connections_per_user=2) as here,
        serve_sdk_place(broker=SharedBroker(broker), max_connections_per_user=2) as there,
    ):
        await leave_behind(broker, "7")
        await there.connect("7")
        await here.connect("7")
        third = await here.open_sdk()
        await third.command(("connect", {"token": token("7")}))

        assert (await third.closed()).code == 3504


async def test_a_place_that_nobody_knows_the_node_of_stays_taken(broker, autojump_clock):
    async with serve_sdk_place(broker=broker, max_connections_per_user=1) as place:
        await leave_behind(broker, "7", info=b"{}")
        client = await place.open_sdk()
        await client.command(("connect", {"token": token("7")}))

        assert (await client.closed()).code == 3504


async def test_all_who_come_back_at_once_ask_together(broker, autojump_clock):
    users, surveys = [f"{number}" for number in range(50)], 0

    async def count(call):
        nonlocal surveys
        surveys += call == "publish"

    async with serve_sdk_place(broker=broker, max_connections_per_user=1) as place:
        for user in users:
            await leave_behind(broker, user)
        broker.trouble = count
        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            for user in users:
                nursery.start_soon(place.connect, user)

        assert trio.current_time() - began < 2 * ANSWER_SECONDS
        assert surveys <= 2 * 2  # questions, and this node's own answers
