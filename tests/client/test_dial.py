"""Real streams over the loopback interface, with and without TLS."""

from __future__ import annotations

import ssl
from functools import partial
from pathlib import Path

import pytest
import trio

from trio_gateway.client import ServerUntrusted, connect
from trio_gateway.client.address import make_address
from trio_gateway.client.dial import open_stream

PEM = Path(__file__).with_name("localhost.pem")


def address(url, ssl_context=None):
    return make_address(url, user="7", token=None, device=None, ssl_context=ssl_context)


def trusting():
    return ssl.create_default_context(cafile=PEM)


async def echo(stream):
    async for data in stream:
        await stream.send_all(data)


@pytest.fixture
async def plain_port(nursery):
    listeners = await nursery.start(partial(trio.serve_tcp, echo, 0, host="127.0.0.1"))
    return listeners[0].socket.getsockname()[1]


@pytest.fixture
async def tls_port(nursery):
    async def serve(stream):
        try:
            await echo(stream)
        except trio.BrokenResourceError:
            await trio.aclose_forcefully(stream)

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(PEM)
    listeners = await nursery.start(partial(trio.serve_ssl_over_tcp, serve, 0, context, host="127.0.0.1"))
    return listeners[0].transport_listener.socket.getsockname()[1]


async def roundtrip(stream):
    async with stream:
        await stream.send_all(b"hi")
        return await stream.receive_some()


async def test_a_plain_stream_carries_bytes(plain_port):
    assert await roundtrip(await open_stream(address(f"ws://127.0.0.1:{plain_port}"))) == b"hi"


async def test_a_tls_stream_carries_bytes(tls_port):
    assert await roundtrip(await open_stream(address(f"wss://localhost:{tls_port}", trusting()))) == b"hi"


async def test_a_certificate_nobody_vouches_for_is_refused_for_good(tls_port):
    with pytest.raises(ServerUntrusted, match="self"):
        async with connect(f"wss://localhost:{tls_port}", user="7"):
            pytest.fail("the block must not begin")


async def test_no_tls_at_the_other_end_is_an_error_for_now(plain_port):
    with pytest.raises(trio.BrokenResourceError):
        await open_stream(address(f"wss://127.0.0.1:{plain_port}", trusting()))


async def test_a_closed_port_is_an_error_for_now(plain_port):
    with pytest.raises(OSError):
        await open_stream(address("ws://127.0.0.1:1"))
