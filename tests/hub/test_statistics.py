"""What the hub says of its subscriptions is about those of clients: the gateway's own channels are left out."""

import pytest
from hub.clients import FakeClient

from trio_gateway.model.channel import CONTROL_CHANNEL, inbox_of
from trio_gateway.model.errors import BrokerUnavailable


async def test_each_channel_with_subscribers_is_named_with_their_number(hub):
    for channel in ("news", "news", "none:x", inbox_of("7")):
        await FakeClient(hub).subscribe(channel)

    assert dict(hub.subscribers()) == {"news": 2, "none:x": 1, inbox_of("7"): 1}
    assert hub.statistics().subscriptions == 4


async def test_the_gateways_own_channels_are_left_out(hub):
    own = await FakeClient(hub).subscribe(CONTROL_CHANNEL)
    await FakeClient(hub).subscribe("news")
    assert dict(hub.subscribers()) == {"news": 1}
    assert hub.statistics().subscriptions == 1
    hub.unsubscribe(own)

    assert hub.statistics().subscriptions == 1


async def test_a_channel_that_lingers_has_no_subscribers(hub):
    hub.unsubscribe(await FakeClient(hub).subscribe("news"))

    assert dict(hub.subscribers()) == {}
    assert hub.statistics().topics == 1
    assert hub.statistics().subscriptions == 0


async def test_a_subscription_that_failed_does_not_count(hub, broker):
    broker.away = True
    with pytest.raises(BrokerUnavailable):
        await FakeClient(hub).subscribe("news")

    assert dict(hub.subscribers()) == {}
    assert hub.statistics().subscriptions == 0
