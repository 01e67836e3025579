"""Whoever floods, drips or breaks HTTP hurts nobody else, and whoever listens to a stream without reading costs little."""

from __future__ import annotations

import contextlib
import os

import msgspec
import pytest
import trio
from e2e.stock_client import dial
from faults.attacking import Attacker, endure, write_on
from gateway.streams import http_request

from trio_gateway.model import paths

STREAMS = {
    paths.PLAIN_EVENTS_PATH: http_request("/sse?user=busy"),
    paths.CENTRIFUGO_LINES_PATH: http_request(paths.CENTRIFUGO_LINES_PATH, {"id": 1, "connect": {}}),
    paths.ONE_WAY_EVENTS_PATH: http_request(paths.ONE_WAY_EVENTS_PATH),
}
CHUNKED = b"POST /emulation HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


async def huge_bodies(attacker: Attacker) -> None:
    chunk = b"fffff\r\n" + b"x" * 0xFFFFF + b"\r\n"
    for _ in range(10):
        await write_on(await attacker.connect(), CHUNKED + chunk * 5)
        body = http_request("/emulation", b"x" * 5_000_000)
        await write_on(await attacker.connect(), body)
        await write_on(await attacker.connect(), http_request(paths.CENTRIFUGO_LINES_PATH, b"x" * 5_000_000))


async def bodies_of_tiny_chunks(attacker: Attacker) -> None:
    for _ in range(5):
        await write_on(await attacker.connect(), CHUNKED + b"1\r\nx\r\n" * 100_000)


async def slow_bodies(attacker: Attacker) -> None:
    peers = [await attacker.connect() for _ in range(200)]
    data = http_request("/send?user=attacker", {"to": "nobody", "data": "x" * 100})
    with trio.move_on_after(3):
        for byte in data:
            for peer in peers:
                await write_on(peer, bytes([byte]))
            await trio.sleep(0.02)


async def random_bodies(attacker: Attacker) -> None:
    for path in ("/emulation", "/ack?user=a", "/send?user=a", *STREAMS):
        for _ in range(10):
            await write_on(await attacker.connect(), http_request(path, os.urandom(300)) + os.urandom(300))
            await write_on(await attacker.connect(), CHUNKED + os.urandom(300))


async def bodies_with_two_ends(attacker: Attacker) -> None:
    for headers in (b"Content-Length: 4\r\nTransfer-Encoding: chunked", b"Content-Length: 4\r\nContent-Length: 5"):
        peer = await attacker.connect()
        await write_on(peer, b"POST /send HTTP/1.1\r\nHost: a\r\n" + headers + b"\r\n\r\n0\r\n\r\n")
        assert (await peer.read_head()).startswith("HTTP/1.1 400 ")


async def requests_without_end_whose_answers_nobody_reads(attacker: Attacker) -> None:
    for path in ("/", "/nowhere", "/health"):
        peer = await attacker.connect(receive_buffer=4096)
        with trio.move_on_after(5), contextlib.suppress(trio.BrokenResourceError):  # cut off at the deadline
            while True:
                await peer.write(http_request(path) * 1000)


async def sockets_that_are_kept_for_nothing(attacker: Attacker) -> None:
    for _ in range(500):
        peer = await attacker.connect()
        await peer.write(http_request("/nowhere"))
        await peer.read_head()


async def streams_that_nobody_reads(attacker: Attacker) -> None:
    """Streams of one user stop reading, while 40 MB are published to that user; a client reads it all."""
    for data in STREAMS.values():
        for _ in range(10):
            peer = await attacker.connect(receive_buffer=4096)
            await peer.write(data)
            await peer.read_head()
    async with dial(attacker.gateway.url(user="busy")) as reader:
        with attacker.gateway.publisher() as publisher:
            for number in range(40):
                await trio.to_thread.run_sync(publisher.send_to_user, "busy", [number, "x" * 1_000_000])
                assert (await reader.receive("message"))["data"][0] == number


async def streams_whose_listeners_talk(attacker: Attacker) -> None:
    for data in STREAMS.values():
        for _ in range(10):
            peer = await attacker.connect()
            await write_on(peer, data + data + os.urandom(100_000))


async def posts_without_end(attacker: Attacker) -> None:
    """One client's commands come by hundreds of sockets, and it reads no answer."""
    listener = await attacker.connect(receive_buffer=4096)
    await listener.write(STREAMS[paths.CENTRIFUGO_LINES_PATH])
    await listener.read_head()
    reply = b""
    while not reply.endswith(b"\n"):
        reply += await listener.read_exactly(1)
    connected = msgspec.json.decode(reply)["connect"]
    commands = "\n".join(f'{{"id":{number},"rpc":{{"method":"{"x" * 200}"}}}}' for number in range(1, 200))
    post = {"session": connected["session"], "node": connected["node"], "data": commands}
    for _ in range(300):
        await write_on(await attacker.connect(), http_request("/emulation", post))


async def posts_to_nobody(attacker: Attacker) -> None:
    """Each names another node, so the store would be read for each; all that come within a second share one read."""

    async def post(first: int) -> None:
        for number in range(first, first + 3):
            peer = await attacker.connect()
            await peer.write(http_request("/emulation", {"session": "x", "node": f"node-{number}", "data": "{}"}))
            assert (await peer.read_response())[0] == 404

    async with trio.open_nursery() as nursery:
        for first in range(0, 600, 3):
            nursery.start_soon(post, first)


@pytest.mark.parametrize(
    "attack",
    [
        huge_bodies,
        bodies_of_tiny_chunks,
        slow_bodies,
        random_bodies,
        bodies_with_two_ends,
        requests_without_end_whose_answers_nobody_reads,
        sockets_that_are_kept_for_nothing,
        streams_that_nobody_reads,
        streams_whose_listeners_talk,
        posts_without_end,
        posts_to_nobody,
    ],
)
async def test_the_next_clients_traffic_flows_and_memory_is_bounded(tmp_path, attack):
    await endure(tmp_path, attack)
