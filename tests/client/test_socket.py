"""The door to the WebSocket, against rude servers that speak for themselves."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from trio_gateway.client.address import make_address
from trio_gateway.client.errors import LinkLost, UpgradeRefused
from trio_gateway.client.socket import SocketClosed, open_socket

ADDRESS = make_address("ws://h", user="7", token=None, device=None, ssl_context=None)
ACCEPT = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "


class RawServer:
    """Answer the upgrade properly, then send any bytes."""

    def __init__(self):
        self.client, self.stream = trio.testing.memory_stream_pair()

    async def open_stream(self, _address):
        await trio.lowlevel.checkpoint()
        return self.client

    async def accept(self, then=b""):
        from wsproto.utilities import generate_accept_token

        head = b""
        while b"\r\n\r\n" not in head:
            head += await self.stream.receive_some()
        lines = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
        key = next(value for name, value in lines.items() if name.lower() == b"sec-websocket-key")
        await self.stream.send_all(ACCEPT + generate_accept_token(key) + b"\r\n\r\n" + then)

    def open(self):
        return open_socket(ADDRESS, None, self.open_stream)


@pytest.fixture
def server():
    return RawServer()


async def test_texts_come_out_in_order(autojump_clock, server, nursery):
    nursery.start_soon(server.accept, b"\x81\x01a\x81\x01b")
    async with server.open() as socket:
        assert [await socket.receive(1), await socket.receive(1)] == ["a", "b"]


@pytest.mark.parametrize(
    "rude",
    [b"\x83\x01a", b"\xc1\x01a", b"\x81\x02\xff\xff", b"\x82\x01a", b"\x81\x81\x00\x00\x00\x00a"],
    ids=["unknown opcode", "reserved bit", "no UTF-8", "binary", "masked"],
)
async def test_broken_frames_end_the_socket_and_nothing_else(autojump_clock, server, nursery, rude):
    nursery.start_soon(server.accept, rude)
    async with server.open() as socket:
        with pytest.raises((LinkLost, SocketClosed)):
            await socket.receive(1)


@pytest.mark.parametrize("answer", [b"nonsense\r\n\r\n", b"HTTP/1.1 101 x\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])
async def test_an_answer_that_is_no_upgrade_loses_the_link(autojump_clock, server, nursery, answer):
    async def serve():
        await server.stream.receive_some()
        await server.stream.send_all(answer)
        await server.stream.aclose()

    nursery.start_soon(serve)
    with pytest.raises((LinkLost, UpgradeRefused)):
        async with server.open():
            pytest.fail("the block must not begin")


async def test_silence_ends_the_patience(autojump_clock, server, nursery):
    nursery.start_soon(server.accept)
    async with server.open() as socket:
        with pytest.raises(LinkLost, match="nothing came for 7 s"):
            await socket.receive(7)


async def test_the_bytes_of_a_slow_frame_are_no_silence(autojump_clock, server, nursery):
    async def serve():
        await server.accept(b"\x81\x05")
        for letter in b"hello":
            await trio.sleep(5)
            await server.stream.send_all(bytes([letter]))

    nursery.start_soon(serve)
    async with server.open() as socket:
        assert await socket.receive(7) == "hello"


async def test_a_lost_line_is_a_close_of_1006(autojump_clock, server, nursery):
    async def serve():
        await server.accept()
        await server.stream.aclose()

    nursery.start_soon(serve)
    async with server.open() as socket:
        with pytest.raises(SocketClosed) as caught:
            await socket.receive(7)

    assert caught.value.code == 1006


async def test_a_server_that_takes_nothing_is_left_after_ten_seconds(autojump_clock, server, nursery):
    nursery.start_soon(server.accept)
    async with server.open() as socket:
        server.client.send_stream.send_all_hook = trio.sleep_forever
        began = trio.current_time()
        with pytest.raises(LinkLost, match="takes no more"):
            await socket.send("x")

        assert trio.current_time() - began == pytest.approx(10)
        with pytest.raises(LinkLost, match="half-written"):
            await socket.send("y")


async def test_a_cancelled_send_still_sends_its_frame_whole(autojump_clock, server, nursery):
    nursery.start_soon(server.accept)
    async with server.open() as socket:
        with trio.CancelScope() as scope:
            scope.cancel()
            await socket.send("x")
        sent = await server.stream.receive_some()

    assert len(sent) == 2 + 4 + 1


async def test_leaving_takes_two_seconds_at_most(autojump_clock, server, nursery):
    nursery.start_soon(server.accept)
    async with server.open():
        began = trio.current_time()

    assert trio.current_time() - began == pytest.approx(2)


async def test_leaving_by_cancellation_takes_two_seconds_at_most(autojump_clock, server, nursery):
    nursery.start_soon(server.accept)
    with trio.move_on_after(1):
        async with server.open():
            await trio.sleep_forever()

    assert trio.current_time() == pytest.approx(3)


async def test_cancelled_while_opening_it_gives_up_at_once(autojump_clock, server):
    with trio.move_on_after(1):
        async with server.open():
            pytest.fail("the block must not begin")

    assert trio.current_time() == pytest.approx(1)
