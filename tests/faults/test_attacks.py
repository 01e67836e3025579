"""Whatever one client does, the next one's traffic flows, the gateway stays up, and its memory stays bounded."""

from __future__ import annotations

import os
import re

import pytest
import trio
from e2e.stock_client import dial
from faults.attacking import Attacker, endure, write_on
from gateway.peers import Closed, Peer, request
from wire.client_frames import client_frame

from trio_gateway.wire.frames import Opcode

OPCODES = {"text": 1, "continuation": 0, "ping": 9, "close": 8}


async def code_of(peer: Peer) -> int | None:
    """Read to the end; give the code of the server's Close."""
    try:
        with trio.fail_after(30):
            while (frame := await peer.read_frame())[0] is not Opcode.CLOSE:
                pass
    except Closed:
        return None
    return int.from_bytes(frame[1][:2], "big")


async def undecodable_headers(attacker: Attacker) -> None:
    for header in (
        b"Host",
        b"Connection",
        b"Sec-WebSocket-Protocol",
        b"Sec-WebSocket-Extensions",
        b"Origin",
        b"Cookie",
    ):
        for value in (b"\xff\xfe", b"\x80", b"a\xc3\x28", b"\xed\xa0\x80"):
            peer = await attacker.connect()
            head = request("/ws?user=attacker").replace(b"\r\n\r\n", b"\r\n" + header + b": " + value + b"\r\n\r\n")
            await write_on(peer, head)
            peer = await attacker.connect()
            await write_on(peer, re.sub(rb"(?m)^" + header + rb": .*\r$", header + b": " + value + b"\r", head))


async def random_heads(attacker: Attacker) -> None:
    for _ in range(100):
        peer = await attacker.connect()
        await write_on(peer, b"GET /ws?user=" + os.urandom(300) + b" HTTP/1.1\r\n" + os.urandom(300) + b"\r\n\r\n")


async def huge_heads(attacker: Attacker) -> None:
    for _ in range(20):
        peer = await attacker.connect()
        await write_on(peer, b"GET /ws HTTP/1.1\r\nCookie: " + b"x" * 5_000_000)


async def frames_that_cross_our_close(attacker: Attacker) -> None:
    for last in (
        client_frame(b"late", Opcode.PING),
        client_frame(b"x" * 70_000),
        client_frame(b"\xff"),
        os.urandom(5000),
        client_frame(b"\x03\xe8", Opcode.CLOSE) * 3,
    ):
        for first in (b"\xf1\x80", client_frame(b"\x03\xe8", Opcode.CLOSE), client_frame(b"b", Opcode.BINARY)):
            peer = await attacker.open()
            await write_on(peer, first)
            await write_on(peer, last * 20)
        peer = await attacker.open()
        await write_on(peer, client_frame(b"\x03\xe8", Opcode.CLOSE) + last)


async def half_frames(attacker: Attacker) -> None:
    frame = client_frame(b'{"type":"ack","offset":0}' * 500)
    for cut in (1, 2, 3, 5, 7, 100, len(frame) - 1):
        for _ in range(10):
            peer = await attacker.open()
            await write_on(peer, frame[:cut])


async def fragments_without_end(attacker: Attacker) -> None:
    start, more = b"\x01\x80" + bytes(4), b"\x00\x80" + bytes(4)
    for _ in range(5):
        peer = await attacker.open()
        await write_on(peer, start + more * 100_000)
        assert await code_of(peer) in (1009, None)  # None: a reset overtook it
    peer = await attacker.open()
    fragment = client_frame(b"x" * 60_000)
    await write_on(peer, bytes([fragment[0] & 0x7F]) + fragment[1:] + (b"\x00" + fragment[1:]) * 50)
    assert await code_of(peer) in (1009, None)


async def pings_without_end(attacker: Attacker) -> None:
    for _ in range(4):
        peer = await attacker.open(receive_buffer=4096)
        with trio.move_on_after(1):  # nobody reads the pongs, so the gateway must stop reading pings
            while True:
                await peer.write(client_frame(b"p" * 125, Opcode.PING) * 200)


async def never_answering_a_close(attacker: Attacker) -> None:
    for _ in range(50):
        peer = await attacker.open()
        await write_on(peer, b"\x81\x00")  # not masked: 1002


async def slow_heads(attacker: Attacker) -> None:
    peers = [await attacker.connect() for _ in range(200)]
    with trio.move_on_after(3):
        for byte in request("/ws?user=attacker"):
            for peer in peers:
                await write_on(peer, bytes([byte]))
            await trio.sleep(0.05)


async def ten_thousand_frames_in_one_write(attacker: Attacker) -> None:
    for text in (
        b'{"type":"nothing"}',
        b"no json",
        b'{"type":"ack","offset":0}',
        b'{"type":"send","to":"nobody","data":1}',
    ):
        peer = await attacker.open()
        with trio.move_on_after(5):
            await peer.write(client_frame(text) * 10_000)


async def answers_that_nobody_reads(attacker: Attacker) -> None:
    for _ in range(5):
        peer = await attacker.open(receive_buffer=4096)
        with trio.move_on_after(1):
            while True:
                await peer.write(client_frame(b'{"type":"nothing","ref":"%s"}' % (b"r" * 200)) * 100)


async def a_busy_channel_that_nobody_reads(attacker: Attacker) -> None:
    """Four clients of one user stop reading, while 40 MB are published to that user; a fifth one reads it all."""
    for _ in range(4):
        await attacker.open("busy", receive_buffer=4096)
    async with dial(attacker.gateway.url(user="busy")) as reader:
        with attacker.gateway.publisher() as publisher:
            for number in range(40):
                data = [number, "x" * 1_000_000]
                await trio.to_thread.run_sync(publisher.send_to_user, "busy", data)
                assert (await reader.receive("message"))["data"][0] == number


async def deep_and_odd_json(attacker: Attacker) -> None:
    odd = [
        b"[" * 30_000,
        b'{"type":' * 5000,
        b'{"type":"send","to":"8","data":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
        b'{"type":"send","to":"8","data":1e999}',
        b'{"type":"send","to":"8","data":"\\ud800"}',
        b'{"type":"ack","offset":' + b"9" * 5000 + b"}",
        b'{"type":"ack","offset":-1}',
        b'{"type":"subscribe","channel":"\\u0000","since":"x"}',
        b'{"type":"send","to":"8","to":"9","data":1,"ref":{}}',
        "{}\u2028".encode(),
        b"",
        b"\x00",
    ]
    for text in odd:
        peer = await attacker.open()
        await write_on(peer, client_frame(text))
        await write_on(peer, client_frame(b'{"type":"nothing","ref":"end"}'))
        while (await peer.receive()).get("ref") != "end":
            pass


ATTACKS = [
    undecodable_headers,
    random_heads,
    huge_heads,
    frames_that_cross_our_close,
    half_frames,
    fragments_without_end,
    pings_without_end,
    never_answering_a_close,
    slow_heads,
    ten_thousand_frames_in_one_write,
    answers_that_nobody_reads,
    a_busy_channel_that_nobody_reads,
    deep_and_odd_json,
]


@pytest.mark.parametrize("attack", ATTACKS)
async def test_the_next_clients_traffic_flows_and_memory_is_bounded(tmp_path, attack):
    await endure(tmp_path, attack)
