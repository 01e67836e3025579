"""An operations app to ask, without a network."""

from __future__ import annotations

import attrs
import httpx

from trio_gateway.admin.app import make_app
from trio_gateway.admin.health import NodeHealth
from trio_gateway.admin.try_page import TryPage
from trio_gateway.broker.broker import BrokerHealth

HEALTHY = NodeHealth(
    version="1.2.3",
    uptime=61.5,
    connections=3,
    subscriptions=5,
    broker=BrokerHealth(reasons=(), round_trip=0.00042, feed_age=0.25),
)


def sick(*reasons):
    return attrs.evolve(HEALTHY, broker=BrokerHealth(reasons, None, None))


async def ask(path, *, health=HEALTHY, page=None, method="GET", peer="127.0.0.1", host="localhost:9000", **headers):
    """Ask an app that stands as `health` says, as a browser at `peer` that uses the name `host` would."""
    app = make_app(lambda: health, page or TryPage())
    transport = httpx.ASGITransport(app=app, client=(peer, 50_000))
    headers = {"host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
    async with httpx.AsyncClient(transport=transport, base_url="http://node") as client:
        return await client.request(method, path, headers=headers)
