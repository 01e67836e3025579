"""The client's socket writes whole frames in order, keeps only what was half-written, and never waits too long."""

import socket

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from trio_gateway.gateway.transport.socket import ClientSocket, WriteStalled


class Peer:
    """Stand at the other end of the wire, reading only when told."""

    def __init__(self, sock):
        self.sock = sock
        sock.setblocking(False)

    def read(self, most=1 << 20):
        data = b""
        while len(data) < most:
            try:
                piece = self.sock.recv(most - len(data))
            except BlockingIOError:
                break
            if not piece:
                break
            data += piece
        return data

    async def read_until(self, size):
        """Read again and again, while others write, until there are `size` bytes."""
        data = b""
        while len(data) < size:
            data += self.read(size - len(data))
            await wait_all_tasks_blocked()
        return data


@pytest.fixture
def wakes():
    return []


@pytest.fixture
async def pair(wakes):
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    client = ClientSocket(ours, write_seconds=10, wake=lambda: wakes.append(1))
    yield client, Peer(theirs)
    client.close()
    theirs.close()


def frames_of(count, size):
    return [bytes([65 + index]) * size for index in range(count)]


def fill(client):
    """Write until the socket takes no more; answers what was begun."""
    begun = b""
    frame = b"x" * 1000
    while client.send_nowait(frame, [frame]):
        begun += frame
    return begun


async def test_frames_that_fit_go_out_in_one_write(pair):
    client, peer = pair
    frames = frames_of(3, 10)

    assert client.send_nowait(b"".join(frames), frames) == 3
    assert not client.half_written
    assert peer.read() == b"".join(frames)


async def test_a_write_that_is_cut_counts_the_frames_begun_and_keeps_the_rest_of_the_last(pair, wakes):
    client, peer = pair
    frames = frames_of(10, 50_000)

    begun = client.send_nowait(b"".join(frames), frames)

    assert 1 <= begun < 10
    assert client.half_written
    assert wakes
    expected = b"".join(frames[:begun])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.flush)
        assert await peer.read_until(len(expected)) == expected


async def test_nothing_goes_between_the_pieces_of_a_half_written_frame(pair):
    client, _peer = pair
    fill(client)
    big = b"y" * 500_000
    client.send_nowait(big, [big])

    assert client.send_nowait(b"late", [b"late"]) == 0


async def test_writers_that_may_wait_go_in_turn(pair):
    client, peer = pair
    begun = fill(client)
    async with trio.open_nursery() as nursery:
        for piece in (b"1" * 3000, b"2" * 3000, b"3" * 3000):
            nursery.start_soon(client.send, piece)
            await wait_all_tasks_blocked()
        assert client.send_nowait(b"hub", [b"hub"]) == 0
        got = await peer.read_until(len(begun) + 9000)

    assert got == begun + b"1" * 3000 + b"2" * 3000 + b"3" * 3000
    assert client.send_nowait(b"hub", [b"hub"]) == 1


async def test_a_cancelled_write_leaves_its_rest_to_go_out_first(pair):
    client, peer = pair
    begun, page = fill(client), b"page" * 100_000
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.send, page)
        got = await peer.read_until(len(begun) + 2000)
        nursery.cancel_scope.cancel()
    assert client.half_written

    expected = begun + page + b"close"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.send, b"close")
        got += await peer.read_until(len(expected) - len(got))
    assert got == expected


async def test_a_peer_that_never_reads_is_aborted_after_the_deadline(pair, autojump_clock):
    client, _peer = pair
    fill(client)

    with pytest.raises(WriteStalled):
        await client.send(b"z" * 100_000)

    assert client.closed
    assert trio.current_time() == pytest.approx(10, abs=1)
    with pytest.raises(trio.ClosedResourceError):
        await client.send(b"more")
    assert client.send_nowait(b"more", [b"more"]) == 0


async def test_a_peer_that_has_gone_is_noticed_by_writers_and_the_reader(pair):
    client, peer = pair
    peer.sock.close()

    assert client.send_nowait(b"x", [b"x"]) == 0
    with pytest.raises(trio.ClosedResourceError):
        await client.receive()


async def test_the_reader_gets_what_arrived_and_the_end(pair):
    client, peer = pair
    peer.sock.send(b"abc")

    assert await client.receive() == b"abc"
    peer.sock.shutdown(socket.SHUT_WR)
    assert await client.receive() == b""


async def test_closing_wakes_whoever_waits(pair):
    client, _peer = pair

    async def read():
        with pytest.raises(trio.ClosedResourceError):
            await client.receive()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        await wait_all_tasks_blocked()
        client.close()


async def test_a_system_that_refuses_to_reset_closes_all_the_same(pair, monkeypatch):
    """As macOS does for a socket that its peer has reset."""
    client, _peer = pair

    class Refusing:
        def setsockopt(self, *_):
            raise OSError(22, "Invalid argument")

        def close(self):
            self.closed = True

    refusing = Refusing()
    ours, client._sock = client._sock, refusing
    client.abort()
    ours.close()

    assert refusing.closed
    assert client.send_nowait(b"x", [b"x"]) == 0
