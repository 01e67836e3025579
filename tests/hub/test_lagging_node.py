"""A node whose feed lags behind repeats nothing to a client that comes from a faster one."""

import pytest
from hub.clients import FakeClient
from trio.testing import wait_all_tasks_blocked

from trio_gateway.model.position import Position


@pytest.mark.parametrize("ahead", [2, 5])
async def test_since_is_compared_with_the_store_not_with_what_this_node_knows(hub, broker, nursery, ahead):
    """5 is beyond the end of the store as well, whose tail was lost: the client starts at the end."""
    slow, hopping = FakeClient(hub), FakeClient(hub)
    for client in (slow, hopping):
        nursery.start_soon(client.run)
    subscription = await slow.subscribe("news")
    broker.deaf = True
    for _ in range(2):
        await broker.publish("news", b"1")
    await hopping.subscribe("news", since=Position(subscription.epoch, ahead))
    broker.deaf = False
    await hub.take_feed_resumed()
    await wait_all_tasks_blocked()
    await broker.publish("news", b"1")
    await wait_all_tasks_blocked()

    assert slow.offsets == [1, 2, 3]
    assert hopping.offsets == [3]
