"""Who watches a channel is told who comes and goes, in order with what is published; nobody else is."""

import pytest
from hub.clients import CENTRIFUGO, FakeClient
from hub.faulty_broker import publish
from hub.views import ViewClient, tagged, wants
from trio.testing import wait_all_tasks_blocked

from trio_gateway.broker.broker import Hint
from trio_gateway.hub.topic import FEW_USERS
from trio_gateway.model.presence import Member, Passage
from trio_gateway.model.publication import Publication


def member(client="one", *, told=True):
    return Member(client, "7", b'{"client":"%b"}' % client.encode(), told=told)


def passage(channel, *, joined, client="one"):
    return Hint(channel, "", None, Passage(joined, b'{"client":"%b"}' % client.encode()))


def publication(subscription, offset):
    return Hint(subscription.topic.channel, subscription.epoch, Publication(offset, offset - 1, b"1", 0))


@pytest.fixture
async def watcher(hub):
    return FakeClient(hub, CENTRIFUGO)


@pytest.mark.parametrize("channel", ["news", "none:x"])
async def test_who_watches_is_told(hub, watcher, channel):
    await watcher.subscribe(channel, watches=True)
    await hub.presence.join(channel, member())
    await hub.presence.leave(channel, "one")
    await wait_all_tasks_blocked()

    assert watcher.news == [("join", "one"), ("leave", "one")]


@pytest.mark.parametrize("others", [0, FEW_USERS])
async def test_who_does_not_watch_is_not_told(hub, watcher, others):
    clients = [FakeClient(hub, CENTRIFUGO) for _ in range(others + 1)]
    for client in clients:
        await client.subscribe("news")
    await watcher.subscribe("news", watches=True)
    await hub.presence.join("news", member())
    await wait_all_tasks_blocked()

    assert not any(client.got for client in clients)
    assert watcher.news == [("join", "one")]


@pytest.mark.parametrize("view", [{"delta": True}, {"filter": wants("a")}], ids=["delta", "filter"])
@pytest.mark.parametrize("others", [0, FEW_USERS])
async def test_who_wants_publications_otherwise_is_told_in_order_too(hub, view, others):
    watcher = ViewClient(hub, **view)
    for _ in range(others):
        await FakeClient(hub, CENTRIFUGO).subscribe("news")
    subscription = await watcher.subscribe("news", watches=True)
    one, two = (Publication(offset, offset - 1, b"1", 0, tags=tagged("a")) for offset in (1, 2))
    hints = [Hint("news", subscription.epoch, one), passage("news", joined=True), Hint("news", subscription.epoch, two)]
    await hub.take_hints(hints)

    assert watcher.news == [1, ("join", "one"), 2]


async def test_members_that_are_not_told_of_come_and_go_unseen(hub, watcher):
    await watcher.subscribe("news", watches=True)
    await hub.presence.join("news", member(told=False))
    await hub.presence.leave("news", "one")
    await wait_all_tasks_blocked()

    assert watcher.got == []


@pytest.mark.parametrize("others", [0, FEW_USERS])
async def test_clients_of_a_protocol_that_has_no_word_for_it_get_nothing(hub, others):
    plain = FakeClient(hub)
    await plain.subscribe("news", watches=True)
    for _ in range(others):
        await FakeClient(hub).subscribe("news")
    await hub.presence.join("news", member())
    await wait_all_tasks_blocked()

    assert plain.writes == 0


@pytest.mark.parametrize("others", [0, 1, FEW_USERS])
async def test_publications_and_passages_of_one_read_come_in_order(hub, watcher, others):
    for _ in range(others):
        await FakeClient(hub).subscribe("news")
    one = await watcher.subscribe("news", watches=True)
    await hub.take_hints(
        [
            publication(one, 1),
            publication(one, 2),
            passage("news", joined=True),
            publication(one, 3),
            passage("news", joined=False),
            passage("news", joined=True, client="two"),
            publication(one, 4),
            publication(one, 5),
        ]
    )

    assert watcher.news == [1, 2, ("join", "one"), 3, ("leave", "one"), ("join", "two"), 4, 5]


@pytest.mark.parametrize("others", [0, FEW_USERS])
async def test_what_comes_and_goes_together_is_told_in_one_send(hub, watcher, others):
    """A few clients that come and go all the time would take all of the node's time otherwise."""
    for _ in range(others):
        await FakeClient(hub).subscribe("news")
    other = FakeClient(hub, CENTRIFUGO)
    one, _ = await watcher.subscribe("news", watches=True), await other.subscribe("news", watches=True)
    coming = [passage("news", joined=bool(number % 2), client=str(number)) for number in range(200)]
    await hub.take_hints([*coming, publication(one, 1), *coming])

    told = [("join" if number % 2 else "leave", str(number)) for number in range(200)]
    assert watcher.news == other.news == [*told, 1, *told]
    assert watcher.writes == other.writes == 3


async def test_in_a_channel_without_history_they_come_in_order_too(hub, watcher):
    await watcher.subscribe("none:x", watches=True)
    news = Hint("none:x", "", Publication(0, 0, b"1", 0))
    await hub.take_hints([news, passage("none:x", joined=True), news])

    assert watcher.news == [0, ("join", "one"), 0]


async def test_a_passage_is_no_reason_to_read_the_store(hub, broker, watcher):
    subscription = await watcher.subscribe("news", watches=True)
    await hub.presence.join("news", member())
    await wait_all_tasks_blocked()

    assert not subscription.topic.dirty
    assert broker.reads == 0


async def test_who_is_behind_is_not_told_out_of_turn(hub, broker, watcher, nursery):
    """Passages are told at most once, to who can take them now; publications come all the same."""
    nursery.start_soon(watcher.run)
    await watcher.subscribe("news", watches=True)
    watcher.stall()
    await publish(broker, "news", 2)
    await hub.presence.join("news", member())
    await wait_all_tasks_blocked()
    watcher.resume()
    await wait_all_tasks_blocked()
    await hub.presence.leave("news", "one")
    await wait_all_tasks_blocked()

    assert watcher.news == [1, 2, ("leave", "one")]


async def test_who_has_left_is_told_nothing(hub, watcher):
    subscription = await watcher.subscribe("news", watches=True)
    await FakeClient(hub, CENTRIFUGO).subscribe("news")
    hub.unsubscribe(subscription)
    await hub.presence.join("news", member())
    await wait_all_tasks_blocked()

    assert watcher.got == []


async def test_a_passage_in_a_channel_that_nobody_follows_is_nothing(hub):
    await hub.take_hints([passage("elsewhere", joined=True)])
