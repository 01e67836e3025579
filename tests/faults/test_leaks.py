"""After 2,000 clients of every kind nothing is left of them: no task, no file, no topic, no subscription, here or in Redis."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

import redis
import trio
from e2e.gateway_process import until
from gateway.peers import Closed, Peer, request
from gateway.streams import http_request
from ports import free_port
from wire.client_frames import client_frame

from trio_gateway.gateway.transport.socket import RESET_ON_CLOSE
from trio_gateway.settings.data_directory import socket_path
from trio_gateway.settings.namespaces import ChannelRules, Namespaces
from trio_gateway.settings.settings import Settings
from trio_gateway.supervisor import open_gateway
from trio_gateway.wire.frames import Opcode

CLIENTS = 2000
AT_ONCE = 40
OPEN = Namespaces(without_namespace=ChannelRules(allow_subscribe_for_client=True, allow_publish_for_client=True))


async def connect(port):
    sock = socket.socket()
    await trio.socket.from_stdlib_socket(sock).connect(("127.0.0.1", port))
    return Peer(sock)


async def opened(port, number):
    peer = await connect(port)
    await peer.write(request(f"/ws?user=u{number}&device=phone"))
    assert (await peer.read_head()).startswith("HTTP/1.1 101 ")
    await peer.receive()
    return peer


async def closes_well(port, number):
    peer = await opened(port, number)
    await peer.ask(type="subscribe", channel=f"c{number}")
    await peer.write(client_frame(b"\x03\xe8", Opcode.CLOSE))
    await peer.closed()
    return peer


async def resets(port, number):
    peer = await opened(port, number)
    await peer.send(type="subscribe", channel="all", ref=1)
    peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    return peer


async def leaves_without_a_word(port, number):
    peer = await opened(port, number)
    await peer.send(type="send", to=f"u{number}", data="nobody will read this")
    return peer


async def breaks_the_protocol(port, number):
    peer = await opened(port, number)
    await peer.write(b"\x81\x05plain")
    await peer.closed()
    return peer


async def leaves_in_the_handshake(port, number):
    peer = await connect(port)
    await peer.write(request(f"/ws?user=u{number}")[: number % 100])
    return peer


async def leaves_before_the_answer(port, number):
    peer = await connect(port)
    await peer.write(request(f"/ws?user=u{number}&device=d"))
    return peer


async def is_refused(port, number):
    peer = await connect(port)
    await peer.write(request("/elsewhere"))
    await peer.read_response()
    return peer


async def listens_to_events(port, number):
    peer = await connect(port)
    await peer.write(http_request(f"/sse?user=u{number}&device=phone"))
    await peer.read_head()
    return peer


async def speaks_by_posts(port, number):
    peer = await connect(port)
    subscribe = b'{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"c%d"}}' % number
    await peer.write(http_request("/connection/http_stream", subscribe))
    await peer.read_head()
    return peer


async def asks_for_something_else(port, number):
    peer = await connect(port)
    await peer.write(http_request("/emulation", {"session": "x", "node": "x", "data": "x" * number}))
    await peer.read_response()
    return peer


async def leaves_in_a_body(port, number):
    peer = await connect(port)
    await peer.write(http_request("/emulation", b"x" * 1000)[: -1 - number % 1000])
    return peer


KINDS = (
    closes_well,
    resets,
    leaves_without_a_word,
    breaks_the_protocol,
    leaves_in_the_handshake,
    leaves_before_the_answer,
    is_refused,
    listens_to_events,
    speaks_by_posts,
    asks_for_something_else,
    leaves_in_a_body,
)


async def abandoned(port, number):
    """Open a connection, or half of one, whose other end then says nothing ever again."""
    return await (opened if number % 2 else leaves_in_the_handshake)(port, number)


async def many(port, count, kinds):
    """Make clients of these kinds; gives those that were not closed by the gateway on the way."""
    limit, peers = trio.CapacityLimiter(AT_ONCE), []

    async def one(number):
        async with limit:
            try:
                peers.append(await kinds[number % len(kinds)](port, number))
                if kinds is KINDS:
                    peers[-1].stream.socket.close()
            except (Closed, trio.BrokenResourceError):
                failed.append(number)

    failed = []
    async with trio.open_nursery() as nursery:
        for number in range(count):
            nursery.start_soon(one, number)
    assert not failed
    return peers


def state_of(gateway):
    """Give tasks, open files, connections, subscriptions and topics."""
    hub = gateway.node.hub.statistics()
    tasks = trio.lowlevel.current_statistics().tasks_living
    return tasks, sum(1 for _ in Path("/proc/self/fd").iterdir()), gateway.node.sockets, hub.subscriptions, hub.topics


async def test_2000_connects_and_disconnects_of_every_kind_leave_nothing(tmp_path):
    settings = Settings(
        insecure=True,
        data_dir=tmp_path,
        port=free_port(),
        admin_port=free_port(),
        namespaces=OPEN,
        handshake_seconds=2.0,
        ping_seconds=1.0,
        pong_seconds=0.5,
        log_level="error",
    )
    async with open_gateway(settings) as gateway:
        await gateway.wait_ready()
        await many(gateway.port, 50, KINDS)
        await until(lambda: state_of(gateway)[2:] == (0, 0, 0))
        begin = state_of(gateway)
        await many(gateway.port, CLIENTS - 200, KINDS)
        silent = await many(gateway.port, 200, [abandoned])
        await until(lambda: gateway.node.sockets == 0)  # pings unanswered, heads unfinished, a Close unanswered
        for peer in silent:
            peer.stream.socket.close()
        await until(lambda: state_of(gateway)[2:] == (0, 0, 0))

        await until(lambda: state_of(gateway)[0] <= begin[0] and state_of(gateway)[1] <= begin[1])
        assert not any(gateway.node.heartbeat._ring)
        with contextlib.closing(redis.Redis(unix_socket_path=str(socket_path(tmp_path)))) as client:
            await until(lambda: len(client.pubsub_channels()) == 5)  # the node's own four and the owner's
