"""A client of deltas gets the first publication whole and patches from then on; anything that makes its base unsure begins anew."""

from __future__ import annotations

import msgspec
import pytest
import trio
from hub.clients import CODEC, FakeClient
from hub.views import ViewClient
from trio.testing import wait_all_tasks_blocked

from trio_gateway.broker.broker import Hint
from trio_gateway.hub import deltas
from trio_gateway.hub.audience import SENDS_PER_TURN, send_nowait
from trio_gateway.hub.topic import FEW_USERS
from trio_gateway.model.position import Position
from trio_gateway.model.publication import Publication
from trio_gateway.wire.centrifugo import CentrifugoCodec
from trio_gateway.wire.fossil import create_delta
from trio_gateway.wire.framing import line

FIELDS = {f"field {number}": number for number in range(40)}


def data(number):
    return msgspec.json.encode({**FIELDS, "field 20": number})


async def publish(broker, channel, *numbers, **options):
    for number in numbers:
        await broker.publish(channel, data(number), **options)
    await wait_all_tasks_blocked()


@pytest.fixture
async def client(hub, nursery):
    client = ViewClient(hub, delta=True)
    nursery.start_soon(client.run)
    return client


async def test_the_first_publication_is_whole_and_the_others_are_patches(broker, client):
    await client.subscribe("delta:x")
    await publish(broker, "delta:x", 1, 2, 3)

    assert client.received == [(number, data(number)) for number in (1, 2, 3)]
    assert client.patches == 2


async def test_who_comes_later_has_its_own_first_publication(hub, broker, client):
    later = ViewClient(hub, delta=True)
    await client.subscribe("delta:x")
    await publish(broker, "delta:x", 1, 2)
    await later.subscribe("delta:x")
    await publish(broker, "delta:x", 3, 4)

    assert (client.offsets, client.patches) == ([1, 2, 3, 4], 3)
    assert (later.offsets, later.patches) == ([3, 4], 1)


def hints(subscription, *numbers):
    """Make the hints of one read of the feed."""
    news = [Publication(number, number - 1, data(number), 0) for number in numbers]
    return [Hint(subscription.topic.channel, subscription.epoch, one) for one in news]


async def test_publications_of_one_turn_are_one_write(hub, client):
    subscription = await client.subscribe("delta:x")
    await hub.take_hints(hints(subscription, 1, 2, 3))
    await hub.take_hints(hints(subscription, 4, 5))

    assert (client.offsets, client.patches) == ([1, 2, 3, 4, 5], 4)
    assert client.writes == 2


async def test_one_that_took_half_of_a_write_has_no_base(broker, hub, client):
    """It polls for the rest: that begins with all of the data, and so does what comes then."""
    await client.subscribe("delta:x")
    await publish(broker, "delta:x", 1)
    broker.deaf = True
    await publish(broker, "delta:x", 2, 3)
    client.room = 1
    broker.deaf = False
    await hub.take_feed_resumed()
    await wait_all_tasks_blocked()
    client.resume()
    await publish(broker, "delta:x", 4)

    assert client.received == [(number, data(number)) for number in (1, 2, 3, 4)]


async def test_without_delta_publish_data_is_whole_unless_the_publisher_wants_a_delta(broker, client):
    await client.subscribe("news")
    await publish(broker, "news", 1, 2)
    await publish(broker, "news", 3, delta=True)
    await publish(broker, "news", 4)

    assert client.received == [(number, data(number)) for number in (1, 2, 3, 4)]
    assert client.patches == 1


async def test_what_no_patch_makes_shorter_is_whole(broker, client):
    await client.subscribe("delta:x")
    for text in (b"[1]", b"[2]", b"[3]"):
        await broker.publish("delta:x", text)
    await wait_all_tasks_blocked()

    assert [text for _, text in client.received] == [b"[1]", b"[2]", b"[3]"]
    assert not client.patches


async def test_without_history_all_data_is_whole(broker, client):
    await client.subscribe("none:x")
    await publish(broker, "none:x", 1, 2)

    assert client.received == [(0, data(1)), (0, data(2))]
    assert not client.patches


async def test_after_a_publication_that_was_not_kept_the_next_one_is_whole(broker, client):
    await client.subscribe("delta:x")
    await publish(broker, "delta:x", 1, 2)
    await publish(broker, "delta:x", 9, skip_history=True)
    await publish(broker, "delta:x", 3, 4)

    assert client.received == [(1, data(1)), (2, data(2)), (0, data(9)), (3, data(3)), (4, data(4))]
    assert client.patches == 2


async def test_a_slow_client_gets_the_first_one_of_what_it_missed_whole(broker, client):
    await client.subscribe("delta:x")
    await publish(broker, "delta:x", 1, 2)
    client.stall()
    await publish(broker, "delta:x", 3, 4, 5)
    client.resume()
    await wait_all_tasks_blocked()
    missed = client.patches
    await publish(broker, "delta:x", 6)

    assert client.received == [(number, data(number)) for number in range(1, 7)]
    assert missed == 3
    assert client.patches == 4


async def test_a_recovered_client_goes_on_with_patches(hub, broker, client):
    first = await client.subscribe("delta:x")
    await publish(broker, "delta:x", 1, 2, 3, 4)
    back = ViewClient(hub, delta=True)
    await back.subscribe("delta:x", recover=Position(first.epoch, 1))
    await publish(broker, "delta:x", 5)

    assert back.received == [(number, data(number)) for number in (2, 3, 4, 5)]
    assert back.patches == 3


async def test_one_that_recovers_where_nobody_was_goes_on_with_patches(hub, broker, autojump_clock):
    position = await broker.publish("delta:x", data(1))
    await broker.publish("delta:x", data(2))
    back = ViewClient(hub, delta=True)
    await back.subscribe("delta:x", recover=Position(position.epoch, 0))
    await publish(broker, "delta:x", 3)

    assert back.offsets == [1, 2, 3]
    assert back.patches == 2


async def test_who_missed_nothing_still_gets_the_next_one_whole(hub, broker, client):
    first = await client.subscribe("delta:x")
    await publish(broker, "delta:x", 1)
    back = ViewClient(hub, delta=True)
    await back.subscribe("delta:x", recover=Position(first.epoch, 1))
    await publish(broker, "delta:x", 2, 3)

    assert (back.offsets, back.patches) == ([2, 3], 1)


async def test_a_new_epoch_begins_with_all_of_the_data(broker, client):
    await client.subscribe("delta:x")
    await publish(broker, "delta:x", 1, 2)
    broker.forget_everything()
    await publish(broker, "delta:x", 3, 4)

    assert [text for _, text in client.received] == [data(number) for number in (1, 2, 3, 4)]


async def test_a_hole_in_the_history_is_no_base(broker, hub, client):
    """What is between was never heard of, and is gone: a patch of what the client has would be one of the wrong publication."""
    subscription = await client.subscribe("delta:x")
    await publish(broker, "delta:x", 1, 2)
    broker.deaf = True
    await publish(broker, "delta:x", 3)
    broker._streams.discard("delta:x")
    await publish(broker, "delta:x", 4)
    broker.deaf = False
    await hub.take_feed_resumed()
    await wait_all_tasks_blocked()
    await publish(broker, "delta:x", 5)

    assert client.offsets == [1, 2, 4, 5]
    assert subscription.live


async def test_a_patch_is_only_for_those_who_stand_at_its_base(hub, broker, client):
    """One that came from a faster node has more than this one ever heard of, and the store has lost that."""
    subscription = await client.subscribe("delta:x")
    await publish(broker, "delta:x", 1, 2)
    subscription.cursor = 5
    late = Publication(10, 2, data(10), 0)
    await hub.take_hints([Hint("delta:x", subscription.epoch, late)])

    assert client.offsets == [1, 2]
    assert not subscription.live


async def test_what_waits_for_a_fan_out_is_no_patch_of_what_was_recovered_before_it(hub, broker, client):
    subscription = await client.subscribe("delta:x")
    topic = subscription.topic
    broker.deaf = True
    await publish(broker, "delta:x", 1, 2)
    broker.deaf = False
    topic.take_stored(await broker.read("delta:x", 0, 10))
    back = ViewClient(hub, delta=True)
    await back.subscribe("delta:x", recover=Position(topic.epoch, 0))
    await topic.fan_out()
    await publish(broker, "delta:x", 3)

    assert back.received == client.received == [(number, data(number)) for number in (1, 2, 3)]


async def test_a_patch_is_made_once_for_all_codecs_and_clients(hub, broker, client, monkeypatch):
    made = []
    monkeypatch.setattr(deltas, "create_delta", lambda *both: made.append(both) or create_delta(*both))
    others = [FakeLines(hub) for _ in range(3)]
    for one in (client, *others):
        await one.subscribe("delta:x")
    await publish(broker, "delta:x", 1, 2, 3)
    back = ViewClient(hub, delta=True)
    await back.subscribe("delta:x", recover=Position(client.epoch, 0))

    assert len(made) == 2
    assert all(len(one.lines) == 3 for one in others)
    assert len({one.lines[2] for one in others}) == 1


async def test_who_gets_no_deltas_gets_data_as_ever(hub, broker, client):
    plain = FakeClient(hub, CODEC)
    await client.subscribe("delta:x")
    await plain.subscribe("delta:x")
    await publish(broker, "delta:x", 1, 2)

    assert [frame["data"]["field 20"] for frame in plain.got] == [1, 2]


async def test_a_fan_out_to_very_many_gives_them_all_a_base(hub, broker):
    clients = [ViewClient(hub, delta=True) for _ in range(max(FEW_USERS, SENDS_PER_TURN) + 5)]
    for one in clients:
        await one.subscribe("delta:x")
    for number in (1, 2):
        await broker.publish("delta:x", data(number))
        await trio.lowlevel.checkpoint()
    await wait_all_tasks_blocked()

    assert all((one.offsets, one.patches) == ([1, 2], 1) for one in clients)


class FakeLines:
    """Take lines instead of WebSocket frames, as a client of another framing does."""

    CODEC = CentrifugoCodec("test", line)

    def __init__(self, hub):
        self.client = FakeClient(hub, self.CODEC)
        self.client.send_nowait = self.send_nowait
        self.lines = []

    def send_nowait(self, joined, frames):
        self.lines += frames
        return len(frames)

    async def subscribe(self, channel):
        subscription = await self.client.hub.subscribe(self.client.subscriber, channel)
        subscription.delta = True
        subscription.start()


# -- Patches that nobody needs are not made


@pytest.fixture
def patched(monkeypatch):
    """Hold the new data of each patch that was made."""
    patched = []

    def create(base, target):
        patched.append(target)
        return create_delta(base, target)

    monkeypatch.setattr(deltas, "create_delta", create)
    return patched


async def test_no_patch_is_made_once_the_last_client_of_deltas_left(hub, broker, client, patched):
    await FakeClient(hub).subscribe("delta:x")
    subscription = await client.subscribe("delta:x")
    await publish(broker, "delta:x", 1, 2)
    hub.unsubscribe(subscription)
    await publish(broker, "delta:x", 3, 4, 5)

    assert patched == [data(2)]
    assert subscription.topic.views.deltas.last is None


async def test_who_comes_to_where_the_last_one_left_begins_with_all_of_the_data(hub, broker, client, patched):
    hub.unsubscribe(await client.subscribe("delta:x"))
    await publish(broker, "delta:x", 1)
    await client.subscribe("delta:x")
    await publish(broker, "delta:x", 2, 3)

    assert client.received == [(2, data(2)), (3, data(3))]
    assert patched == [data(3)]


async def test_the_only_client_goes_on_with_patches_after_it_was_behind(broker, client, patched):
    subscription = await client.subscribe("delta:x")
    await publish(broker, "delta:x", 1)
    client.stall()
    await publish(broker, "delta:x", 2, 3)
    assert not subscription.live
    client.resume()
    await wait_all_tasks_blocked()
    await publish(broker, "delta:x", 4)

    assert client.received == [(number, data(number)) for number in (1, 2, 3, 4)]
    assert patched[-1] == data(4)


async def test_no_patch_is_made_where_all_who_are_left_have_no_base(hub, broker, client, patched):
    subscription = await client.subscribe("delta:x")
    await publish(broker, "delta:x", 1)
    newcomer = ViewClient(hub, delta=True)
    await newcomer.subscribe("delta:x")
    hub.unsubscribe(subscription)
    await publish(broker, "delta:x", 2)

    assert newcomer.received == [(2, data(2))]
    assert patched == []


async def test_one_that_came_back_before_an_unkept_publication_was_sent_is_told_apart(hub, client):
    """The write was made when it was there before; what it has since is no base after what may have missed others."""
    subscription = await client.subscribe("none:x")
    topic, writes = subscription.topic, []
    topic.take(Hint("none:x", topic.epoch, Publication(0, 0, data(1), 0)), writes)
    subscription.fall_behind()
    subscription.has_base = True
    subscription.go_live()
    send_nowait(writes)
    topic.take(Hint("none:x", topic.epoch, Publication(0, 0, data(2), 0)), writes)
    send_nowait(writes)

    assert [received for _, received in client.received] == [data(1), data(2)]
    assert not subscription.has_base
