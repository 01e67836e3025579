"""A positioned subscription is told of no gap: it ends with InsufficientState, and its client begins anew."""

import pytest
import trio
from hub.clients import CODECS, FakeClient
from hub.faulty_broker import publish
from trio.testing import wait_all_tasks_blocked

from trio_gateway.hub.subscription import InsufficientState
from trio_gateway.model.position import START


class Positioned(FakeClient):
    """Begin a subscription anew where publications are missing, and count how often."""

    anew = 0

    async def run(self):
        while True:
            try:
                await super().run()
            except InsufficientState as missing:
                self.anew += 1
                self.hub.unsubscribe(missing.subscription)
                await self.subscribe(missing.subscription.topic.channel, positioned=True)


@pytest.fixture(params=CODECS, ids=lambda codec: codec.name)
async def client(hub, nursery, request):
    client = Positioned(hub, request.param)
    nursery.start_soon(client.run)
    return client


async def test_publications_that_are_gone_end_it(hub, broker, client):
    await client.subscribe("brief:x", positioned=True)
    client.stall()
    await publish(broker, "brief:x", 1)
    await publish(broker, "brief:x", 9)
    client.resume()
    await wait_all_tasks_blocked()
    assert client.anew == 1
    await publish(broker, "brief:x", 1)

    assert client.offsets == [1, 11]
    assert client.gaps == []


async def test_a_new_epoch_ends_it(hub, broker, client):
    await client.subscribe("news", positioned=True)
    await publish(broker, "news", 2)
    broker.forget_everything()
    await publish(broker, "news", 1)
    assert client.anew == 1
    await publish(broker, "news", 1)

    assert client.offsets == [1, 2, 2]
    assert client.gaps == []


async def test_a_lost_hint_does_not(hub, broker, client):
    await client.subscribe("news", positioned=True)
    broker.deaf = True
    await publish(broker, "news", 3)
    broker.deaf = False
    await publish(broker, "news", 1)

    assert client.anew == 0
    assert client.offsets == [1, 2, 3, 4]


async def test_a_store_that_lost_its_tail_does_not(hub, broker, client):
    """What nobody will ever get is nothing that a client would get by beginning anew."""
    subscription = await client.subscribe("news", positioned=True)
    await publish(broker, "news", 3)
    client.stall()
    await publish(broker, "news", 2)
    stream = broker._streams.get("news")
    stream.pop()
    stream.pop()
    broker._metas.get("news").top = 3
    subscription.topic.clear_tail()
    client.resume()
    await wait_all_tasks_blocked()

    assert client.anew == 0
    assert client.gaps == []


async def test_one_that_begins_with_everything_kept_has_no_gap_at_its_start(hub, broker, client):
    await publish(broker, "brief:x", 5)
    await client.subscribe("brief:x", positioned=True, since=START)
    await wait_all_tasks_blocked()

    assert client.anew == 0
    assert client.offsets == [3, 4, 5]


async def test_the_client_stands_where_it_stood_and_nothing_was_sent(hub, broker):
    client = FakeClient(hub)
    subscription = await client.subscribe("brief:x", positioned=True)
    broker.deaf = True
    await publish(broker, "brief:x", 5)
    subscription.topic.skip_to(5)
    before = subscription.position
    with pytest.raises(InsufficientState) as missing:
        await hub.catch_up.poll(subscription, client.send)

    assert missing.value.subscription is subscription
    assert subscription.position == before
    assert client.got == []
    assert not subscription.live


async def test_many_of_one_channel_end_together(hub, broker, nursery, autojump_clock):
    clients = [Positioned(hub) for _ in range(200)]
    for client in clients:
        nursery.start_soon(client.run)
        await client.subscribe("brief:x", positioned=True)
    broker.deaf = True
    await publish(broker, "brief:x", 10)
    broker.deaf = False
    await hub.take_feed_resumed()
    await trio.sleep(1)
    await publish(broker, "brief:x", 1)

    assert {client.anew for client in clients} == {1}
    assert all(client.offsets == [11] for client in clients)
    assert broker.reads < 10
