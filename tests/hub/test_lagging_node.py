"""A node whose feed lags behind repeats nothing to a client that comes from a faster one."""

import pytest
from hub.clients import FakeClient
from trio.testing import wait_all_tasks_blocked

from trio_gateway.broker.limits import Limits
from trio_gateway.broker.memory import MemoryBroker
from trio_gateway.hub.hub import Hub
from trio_gateway.model.position import Position
from trio_gateway.settings.namespaces import ChannelRules, Namespaces

NAMESPACES = Namespaces(without_namespace=ChannelRules(history_size=50, history_ttl=3600))


class LaggingBroker(MemoryBroker):
    """Keep the hints back while `lagging`."""

    lagging = False

    def _tell(self, hint):
        if not self.lagging:
            super()._tell(hint)


@pytest.mark.parametrize("ahead", [2, 5])
async def test_since_is_compared_with_the_store_not_with_what_this_node_knows(nursery, ahead):
    """5 is beyond the end of the store as well, whose tail was lost: the client starts at the end."""
    broker = LaggingBroker(namespaces=NAMESPACES, limits=Limits())
    hub = Hub(broker, NAMESPACES)
    await nursery.start(broker.serve, hub)
    await nursery.start(hub.serve)
    slow, hopping = FakeClient(hub), FakeClient(hub)
    for client in (slow, hopping):
        nursery.start_soon(client.run)
    subscription = await slow.subscribe("news")
    broker.lagging = True
    for _ in range(2):
        await broker.publish("news", b"1")
    await hopping.subscribe("news", since=Position(subscription.epoch, ahead))
    broker.lagging = False
    await hub.take_feed_resumed()
    await wait_all_tasks_blocked()
    await broker.publish("news", b"1")
    await wait_all_tasks_blocked()

    assert slow.offsets == [1, 2, 3]
    assert hopping.offsets == [3]
