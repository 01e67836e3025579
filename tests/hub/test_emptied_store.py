"""A store that is emptied while a topic reads it: the next epoch begins, and no gap points to none."""

from hub.clients import FakeClient
from hub.faulty_broker import NAMESPACES, FaultyBroker
from trio.testing import wait_all_tasks_blocked

from trio_gateway.hub.hub import Hub
from trio_gateway.model.position import START


class EmptiedBroker(FaultyBroker):
    """Lose everything just before the next read, where that is wanted."""

    emptied = False

    async def read(self, channel, after, limit):
        if self.emptied:
            self.emptied = False
            self.forget_everything()
        return await super().read(channel, after, limit)


async def test_emptied_between_the_attach_and_the_read_it_goes_on_in_the_next_epoch(nursery):
    broker = EmptiedBroker()
    hub = Hub(broker, NAMESPACES)
    await nursery.start(broker.serve, hub)
    await nursery.start(hub.serve)
    client = FakeClient(hub)
    nursery.start_soon(client.run)
    await client.subscribe("news")
    broker.deaf = True
    await broker.publish("news", b"1")
    broker.deaf, broker.emptied = False, True
    await hub.take_feed_resumed()
    await wait_all_tasks_blocked()
    await broker.publish("news", b"2")
    await wait_all_tasks_blocked()

    assert [frame["data"] for frame in client.got if frame["type"] == "message"] == [2]
    positions = [frame["position"] for frame in client.got if frame["type"] == "gap"]
    assert len(positions) == 1
    assert not positions[0].startswith(":")


async def test_an_epoch_that_begins_while_a_client_reads_is_read_from_its_start(nursery):
    class RacingBroker(EmptiedBroker):
        async def read(self, channel, after, limit):
            if self.emptied:
                await super().read(channel, after, limit)
                topic = hub._topics[channel]
                topic.dirty = True
                await hub.recovery.refresh(topic)
            return await super().read(channel, after, limit)

    broker = RacingBroker()
    hub = Hub(broker, NAMESPACES)
    await nursery.start(broker.serve, hub)
    await nursery.start(hub.serve)
    for _ in range(5):
        await broker.publish("news", b"0")
    client = FakeClient(hub)
    nursery.start_soon(client.run)
    broker.emptied = True
    await client.subscribe("news", since=START)
    await wait_all_tasks_blocked()
    await broker.publish("news", b"1")
    await broker.publish("news", b"2")
    await wait_all_tasks_blocked()

    assert [frame["data"] for frame in client.got if frame["type"] == "message"] == [1, 2]
