"""Members are in the store for as long as their clients are here, whatever happens to the store, and not much longer."""

import pytest
import trio
from hub.clients import CENTRIFUGO, FakeClient
from hub.faulty_broker import NAMESPACES, FaultyBroker
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from trio_gateway.broker.broker import Leave
from trio_gateway.broker.memory_presence import MemoryPresence
from trio_gateway.hub import presence as presence_module
from trio_gateway.hub.hub import Hub
from trio_gateway.hub.presence import RENEWED, Presence
from trio_gateway.model.errors import BrokerUnavailable
from trio_gateway.model.presence import Member
from trio_gateway.settings.namespaces import ChannelRules, Namespaces

TTL = 60


def member(client="one", user="7"):
    return Member(client, user, b'{"client":"%b"}' % client.encode(), told=True)


@pytest.fixture
async def presence(hub):
    return hub.presence


@pytest.fixture
async def watcher(hub, nursery):
    """A client that is told who comes to and goes from `news`."""
    watcher = FakeClient(hub, CENTRIFUGO)
    nursery.start_soon(watcher.run)
    await watcher.subscribe("news", watches=True)
    return watcher


async def clients_in(broker, channel="news"):
    return sorted(await broker.presence(channel))


async def test_who_joined_is_there_until_they_leave(presence, broker, watcher):
    await presence.join("news", member())
    assert await clients_in(broker) == ["one"]
    await presence.leave("news", "one")
    await wait_all_tasks_blocked()

    assert await clients_in(broker) == []
    assert watcher.news == [("join", "one"), ("leave", "one")]


async def test_members_are_renewed_before_their_time_runs_out(presence, broker, watcher, autojump_clock):
    await presence.join("news", member())
    for second in range(10 * TTL):
        await trio.sleep(1)
        assert await clients_in(broker) == ["one"], second

    assert watcher.news == [("join", "one")]


async def test_a_node_that_is_gone_leaves_nobody_behind(broker, autojump_clock):
    async with trio.open_nursery() as node:
        node.start_soon(Presence(broker, TTL).serve)
        await Presence(broker, TTL).join("news", member())
        node.cancel_scope.cancel()
    await trio.sleep(TTL * 0.9)
    assert await clients_in(broker) == ["one"]
    await trio.sleep(TTL * 0.2)

    assert await clients_in(broker) == []


async def test_members_that_the_store_lost_are_put_back(presence, broker, autojump_clock):
    await presence.join("news", member("one"))
    await presence.join("other", member("two"))
    broker._presence = MemoryPresence(broker._tell_passage)
    await trio.sleep(TTL * RENEWED + 1)

    assert await clients_in(broker) == ["one"]
    assert await clients_in(broker, "other") == ["two"]


async def test_a_channel_that_is_taken_away_keeps_no_other_member_out(nursery, autojump_clock):
    broker = FaultyBroker()
    presence = Presence(broker, TTL)
    nursery.start_soon(presence.serve)
    for number in range(50):
        await presence.join("brief:x", member(f"brief{number}"))
        await presence.join(f"news{number}", member(f"news{number}"))
    broker._presence = MemoryPresence(broker._tell_passage)
    broker._namespaces = Namespaces(without_namespace=ChannelRules())
    await trio.sleep(TTL * RENEWED + 1)

    assert [await clients_in(broker, f"news{number}") for number in range(50)] == [[f"news{n}"] for n in range(50)]


async def test_who_joins_while_the_store_is_away_is_there_soon_after(presence, broker, autojump_clock):
    broker.away = True
    await presence.join("news", member())
    broker.away = False
    assert await clients_in(broker) == []
    await trio.sleep(TTL * RENEWED + 1)

    assert await clients_in(broker) == ["one"]


async def test_who_leaves_while_the_store_is_away_is_gone_as_soon_as_it_is_back(presence, broker, autojump_clock):
    await presence.join("news", member("one"))
    await presence.join("news", member("two"))
    broker.away = True
    await presence.leave("news", "one")
    presence.leave_nowait("news", "two")
    await trio.sleep(5)
    broker.away = False
    await trio.sleep(1)

    assert await clients_in(broker) == []


async def test_a_leave_that_is_cut_off_is_made_good(presence, broker, autojump_clock):
    await presence.join("news", member())
    broker.away, broker.patience = True, 10
    with trio.move_on_after(1):
        await presence.leave("news", "one")
    broker.away = False
    await trio.sleep(1)

    assert await clients_in(broker) == []


@pytest.mark.parametrize("begin", [5, 12, 26, 27, 50])
async def test_no_member_is_lost_by_a_store_that_is_away_for_a_while(presence, broker, watcher, autojump_clock, begin):
    """In whatever group a channel is renewed; each call takes as long as it takes to be given up."""
    channels = ["news", *(f"news{number}" for number in range(100))]
    for channel in channels:
        await presence.join(channel, member())
    await trio.sleep(begin)
    broker.away, broker.patience = True, 1.5
    await trio.sleep(20)
    broker.away = False
    for _ in range(2 * TTL):
        await trio.sleep(1)
        assert [await clients_in(broker, channel) for channel in channels] == [["one"]] * len(channels)

    assert watcher.news == [("join", "one")]


async def test_after_hours_without_the_store_members_are_put_back_in_one_round(presence, broker, autojump_clock):
    renewals = 0
    for number in range(100):
        await presence.join(f"news{number}", member())
    broker.away = True
    await trio.sleep(3600)
    broker.away, renew = False, broker.renew

    async def count(*args, **options):
        nonlocal renewals
        renewals += 1
        return await renew(*args, **options)

    broker.renew = count
    await trio.sleep(2)

    assert [await clients_in(broker, f"news{number}") for number in range(100)] == [["one"]] * 100
    assert renewals <= 40


async def test_many_who_leave_in_one_turn_leave_in_one_call(presence, broker):
    for number in range(1000):
        await presence.join("news", member(f"{number}"))
    for number in range(1000):
        presence.leave_nowait("news", f"{number}")
    await wait_all_tasks_blocked()

    assert [len(leaves) for leaves in broker.leaves] == [1000]
    assert await clients_in(broker) == []


async def test_who_comes_back_before_the_leave_is_written_stays(presence, broker, watcher, autojump_clock):
    await presence.join("news", member())
    broker.away = True
    await presence.leave("news", "one")
    broker.away = False
    await presence.join("news", member())
    await trio.sleep(5)

    assert await clients_in(broker) == ["one"]
    assert watcher.news == [("join", "one")]


async def test_who_comes_back_while_the_leave_fails_stays(presence, broker, watcher, autojump_clock):
    await presence.join("news", member())
    broker.away, broker.patience = True, 1
    presence.leave_nowait("news", "one")
    await trio.sleep(0.5)
    await presence.join("news", member())
    broker.away = False
    await trio.sleep(TTL)

    assert await clients_in(broker) == ["one"]
    assert watcher.news == [("join", "one")]


async def test_no_more_leaves_wait_than_are_allowed(presence, broker, autojump_clock, monkeypatch):
    monkeypatch.setattr(presence_module, "MAX_PENDING", 3)
    for number in range(5):
        await presence.join("news", member(f"{number}"))
    broker.away = True
    for number in range(5):
        presence.leave_nowait("news", f"{number}")
    await trio.sleep(1)
    broker.away = False
    await trio.sleep(1)
    assert await clients_in(broker) == ["3", "4"]
    await trio.sleep(TTL)

    assert await clients_in(broker) == []


class TestLimited:
    async def test_so_many_come_in(self, presence, broker):
        assert await presence.join_limited("news", member("one"), 2)
        assert await presence.join_limited("news", member("two"), 2)
        assert not await presence.join_limited("news", member("three"), 2)
        await wait_all_tasks_blocked()

        assert await clients_in(broker) == ["one", "two"]

    async def test_who_was_not_let_in_is_not_renewed_into_it(self, presence, broker, autojump_clock):
        await presence.join_limited("news", member("one"), 1)
        await presence.join_limited("news", member("two"), 1)
        await trio.sleep(2 * TTL)

        assert await clients_in(broker) == ["one"]

    async def test_cut_off_before_the_answer_they_leave_nothing(self, presence, broker, autojump_clock):
        await self.fail(presence, broker, trio.sleep_forever)

        assert await clients_in(broker) == []

    async def test_where_the_answer_is_lost_they_leave_nothing(self, presence, broker, autojump_clock):
        async def lose():
            raise BrokerUnavailable("no answer")

        with pytest.raises(BrokerUnavailable):
            await self.fail(presence, broker, lose)
        await trio.sleep(2 * TTL)

        assert await clients_in(broker) == []

    async def fail(self, presence, broker, end):
        """Join, but learn nothing of it."""
        join = broker.join

        async def join_unheard(*args, **options):
            await join(*args, **options)
            assert await clients_in(broker) == ["one"]
            await end()

        broker.join = join_unheard
        with trio.move_on_after(1):
            await presence.join_limited("news", member(), 2)
        await wait_all_tasks_blocked()


async def test_a_flush_writes_leaves_and_says_when_it_could_not(broker):
    presence = Presence(broker, TTL)
    await presence.join("news", member())
    presence.leave_nowait("news", "one")
    broker.away = True
    with pytest.raises(BrokerUnavailable):
        await presence.flush()
    broker.away = False
    await presence.flush()
    await presence.flush()

    assert await clients_in(broker) == []
    assert len(broker.leaves) == 2


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abc"), st.sampled_from("123"))))
def test_what_is_renewed_is_who_is_here(happenings):
    """Whoever comes and goes, each channel with members is in its group once, and no other."""

    async def story():
        presence, here = Presence(FaultyBroker(), TTL), set()
        for comes, channel, client in happenings:
            if comes:
                await presence.join(channel, member(client))
                here.add((channel, client))
            else:
                presence.leave_nowait(channel, client)
                here.discard((channel, client))
        grouped = [
            (channel, client) for group in presence._ring for channel in group for client in presence._here[channel]
        ]
        assert sorted(grouped) == sorted(here)
        assert all(presence._slot(channel) is group for group in presence._ring for channel in group)
        assert presence._here.keys() == {channel for channel, _ in here}

    trio.run(story)


async def test_a_hub_that_stops_writes_acks_and_leaves(broker, nursery, autojump_clock):
    """Nothing raises where the store is away: what is left runs out, or comes again."""
    hub = Hub(broker, NAMESPACES)
    await hub.presence.join("news", member())
    hub.presence.leave_nowait("news", "one")
    broker.away = True
    await hub.flush()
    broker.away = False
    await hub.flush()

    assert await clients_in(broker) == []


async def test_what_the_store_lost_is_put_back_at_once_where_that_is_asked_for(presence, broker, autojump_clock):
    await presence.join("news", member())
    await broker.leave([Leave("news", "one")])
    await presence.renew()

    assert await clients_in(broker) == ["one"]
