import pytest
from hub.clients import FakeClient
from hub.faulty_broker import NAMESPACES, FaultyBroker

from trio_gateway.hub.hub import Hub


@pytest.fixture
async def broker():
    return FaultyBroker()


@pytest.fixture
async def hub(broker, nursery):
    hub = Hub(broker, NAMESPACES)
    await nursery.start(broker.serve, hub)
    await nursery.start(hub.serve)
    return hub


@pytest.fixture
async def client(hub, nursery):
    client = FakeClient(hub)
    nursery.start_soon(client.run)
    return client
