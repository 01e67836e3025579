"""Two gateways on one Valkey and the SDKs are shared by all tests, so each takes users and channels of its own.

Every test that takes `sdk` or `join` runs with each SDK, and with that for JavaScript over each transport.
"""

from __future__ import annotations

import contextlib
from functools import partial

import pytest
import trio
from broker.valkey import running
from sdk.driving import Driver, SdkClient, javascript_driver, python_driver
from sdk.nodes import Node, new_user, token
from sdk.tcp_proxy import TcpProxy

DRIVERS = {
    "python": python_driver,
    "javascript": javascript_driver,
    "http_stream": partial(javascript_driver, "http_stream"),
    "sse": partial(javascript_driver, "sse"),
}


@pytest.fixture(scope="session")
def nodes(tmp_path_factory):
    """Give the two gateways."""
    store = tmp_path_factory.mktemp("store")
    with running(store, "--appendfsync", "no") as valkey, contextlib.ExitStack() as stack:
        nodes = [Node(tmp_path_factory.mktemp("node"), "--redis-url", valkey.url) for _ in range(2)]
        for node in nodes:
            stack.callback(node.close)
        trio.run(start_all, nodes)
        yield nodes


async def start_all(nodes: list[Node]) -> None:
    async with trio.open_nursery() as nursery:
        for node in nodes:
            nursery.start_soon(node.start)


@pytest.fixture(scope="session")
def one(nodes) -> Node:
    return nodes[0]


@pytest.fixture(scope="session")
def two(nodes) -> Node:
    return nodes[1]


def running_driver(name: str):
    driver = DRIVERS[name]()
    yield driver
    driver.close()


@pytest.fixture(scope="session")
def python_sdk():
    yield from running_driver("python")


@pytest.fixture(scope="session")
def javascript_sdk():
    yield from running_driver("javascript")


@pytest.fixture(scope="session")
def http_stream_sdk():
    yield from running_driver("http_stream")


@pytest.fixture(scope="session")
def sse_sdk():
    yield from running_driver("sse")


@pytest.fixture(scope="session", params=DRIVERS)
def sdk(request) -> Driver:
    return request.getfixturevalue(f"{request.param}_sdk")


@pytest.fixture
def open_client(sdk, nursery):
    """Give what makes a client that has done nothing yet; all of them leave at the end of the test."""
    return partial(sdk.open, nursery)


@pytest.fixture
def join(open_client):
    """Give what connects a client as a user to a gateway, or to whatever else has an `sdk_url`."""

    async def join(
        node: Node | TcpProxy, user: str | None = None, *, data: object = None, **claims: object
    ) -> SdkClient:
        client = await open_client()
        await client.connect(node.sdk_url, token(new_user() if user is None else user, **claims), data=data)
        return await client.connected()

    return join


@pytest.fixture
async def proxy(one, nursery) -> TcpProxy:
    """Give a wire to the first gateway."""
    proxy = TcpProxy(one.port)
    await nursery.start(proxy.serve)
    return proxy
