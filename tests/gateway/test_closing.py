"""After the goodbye nothing more is said but the Close, and after the Close nothing at all (RFC 6455 §5.5.1)."""

import pytest
import trio
from gateway.peers import NAMESPACES, Closed, serve_place, tcp_pair
from trio.testing import wait_all_tasks_blocked
from wire.client_frames import client_frame

from trio_gateway.broker.limits import Limits
from trio_gateway.broker.memory import MemoryBroker
from trio_gateway.model import codes
from trio_gateway.wire.frames import Opcode


@pytest.fixture
async def place():
    async with serve_place(ping_seconds=1.0, pong_seconds=0.5) as place:
        yield place


async def test_a_client_that_was_told_goodbye_gets_neither_messages_nor_pings(place, autojump_clock):
    peer = await place.dial()
    (connection,) = place.node.connections
    connection.leave(codes.SHUTDOWN)
    goodbye, close = await peer.read_frame(), await peer.read_frame()
    await place.broker.publish("#7", b'"too late"')

    with pytest.raises(Closed):  # 5 s later, since it does not answer the Close
        await peer.read_frame()

    assert (goodbye[0], close[0]) == (Opcode.TEXT, Opcode.CLOSE)


class EagerBroker(MemoryBroker):
    """Store before the first checkpoint, as Redis does with what was written to it."""

    async def publish(self, *args, **kwargs):
        with trio.CancelScope(shield=True):
            position = await super().publish(*args, **kwargs)
        await trio.lowlevel.checkpoint()
        return position


async def test_what_arrived_in_the_turn_of_the_goodbye_is_answered_or_not_done():
    """The order in which tasks of one turn run is random, so 20 times are enough to meet both."""
    async with serve_place(broker=EagerBroker(namespaces=NAMESPACES, limits=Limits())) as place:
        await answered_or_not_done(place)


async def answered_or_not_done(place):
    done = 0
    for number in range(20):
        peer = await place.dial(f"/ws?user=u{number}")
        (connection,) = place.node.connections
        with connection._socket._sock.dup() as arrival:
            peer.sock.send(client_frame(b'{"type":"send","to":"8","data":1,"ref":"r"}'))
            await trio.lowlevel.wait_readable(arrival)  # wakes in one turn with the connection's reader
            connection.leave(codes.SHUTDOWN)
        kinds = [(await peer.receive())["type"]]
        if kinds == ["ok"]:
            kinds.append((await peer.receive())["type"])
        done += kinds[0] == "ok"
        await peer.closed()
        await wait_all_tasks_blocked()

        assert kinds[-1] == "goodbye"
        assert (await place.broker.attach("#8")).top == done


CLOSE = client_frame(b"\x03\xe8", Opcode.CLOSE)


async def leave_as_it_arrives(place, peer, data):
    """Tell the last client to leave in the turn in which these bytes wake its reader, before or after that."""
    connection = list(place.node.connections)[-1]
    with connection._socket._sock.dup() as arrival:
        peer.sock.send(data)
        await trio.lowlevel.wait_readable(arrival)
        connection.leave(codes.SHUTDOWN)


async def test_a_close_that_arrived_in_the_turn_of_the_goodbye_is_the_answer_to_ours(place, autojump_clock):
    """It is not asked for twice: the connection is over at once, not after 5 s."""
    for number in range(20):
        peer = await place.dial(f"/ws?user=u{number}")
        began = trio.current_time()
        await leave_as_it_arrives(place, peer, CLOSE)
        while (await peer.read_frame())[0] is not Opcode.CLOSE:
            pass
        with pytest.raises(Closed):
            await peer.read_frame()

        assert trio.current_time() - began < 1


async def test_half_a_frame_that_arrived_in_the_turn_of_the_goodbye_leaves_its_rest_readable(place, autojump_clock):
    """Its second half is no frame of its own: read as one, it would break the protocol and hide the Close."""
    for number in range(20):
        peer = await place.dial(f"/ws?user=u{number}")
        frame = client_frame(b'{"type":"unsubscribe","channel":"open:x"}')
        await leave_as_it_arrives(place, peer, frame[:20])
        while (await peer.read_frame())[0] is not Opcode.CLOSE:
            pass
        await peer.write(frame[20:])
        await trio.sleep(1)
        assert len(place.node.connections) == 1, "it waits for the answer to its Close"
        await peer.write(CLOSE)
        with pytest.raises(Closed):
            await peer.read_frame()
        await wait_all_tasks_blocked()


async def test_nothing_follows_the_answer_to_a_clients_close(place, monkeypatch):
    """The hub writes to the client until its tasks have ended, and one of them may take a moment to end."""
    peer = await place.dial()
    read = place.broker.read

    async def read_to_the_end(*args):
        with trio.CancelScope(shield=True):
            for number in range(20):
                await place.broker.publish("#7", b"%d" % number)
            return await read(*args)

    monkeypatch.setattr(place.broker, "read", read_to_the_end)
    await peer.send(type="subscribe", channel="open:x", since="0", ref=1)
    assert (await peer.receive())["type"] == "ok"  # and now the writer task reads the store
    await peer.write(CLOSE)
    while (await peer.read_frame())[0] is not Opcode.CLOSE:
        pass

    with pytest.raises(Closed):
        await peer.read_frame()


async def test_a_clients_close_is_answered_after_the_rest_of_what_is_half_written(place, autojump_clock):
    peer = await place.dial(send_buffer=4096)
    big = b'"' + b"x" * 400_000 + b'"'
    await place.broker.publish("#7", big)
    await wait_all_tasks_blocked()
    await peer.write(CLOSE)
    await wait_all_tasks_blocked()

    assert len((await peer.receive())["data"]) == 400_000
    assert (await peer.closed()).code == 1000


SIZE = 900_000
"""Bytes of a message that no socket takes at once, and so is half-written until its reader reads."""


async def half_written(place, **options):
    """Connect a client with half a message on the wire, and tell it to leave."""
    peer = await place.dial(send_buffer=4096, **options)
    await place.broker.publish("#7", b'"' + b"x" * SIZE + b'"')
    await wait_all_tasks_blocked()
    (connection,) = place.node.connections
    assert connection._socket.half_written
    connection.leave(codes.SHUTDOWN)
    return peer


async def test_a_goodbye_waits_for_the_rest_of_what_is_half_written(place, autojump_clock):
    peer = await half_written(place)
    await trio.sleep(4)
    frames = [await peer.receive(), await peer.receive()]
    closed = await peer.closed()

    assert [frame["type"] for frame in frames] == ["message", "goodbye"]
    assert len(frames[0]["data"]) == SIZE
    assert closed.code == 3001


async def read_into(received, peer):
    while part := await peer.stream.receive_some(65_536):
        received += part


async def test_a_goodbye_waits_for_it_at_most_5_s_and_then_the_connection_is_reset(autojump_clock):
    """Not ended: the system would keep what lies in its buffer for somebody who does not read."""
    async with serve_place(write_seconds=60) as place:
        peer = await half_written(place, pair=tcp_pair)
        began = trio.current_time()
        while place.node.sockets:
            await trio.sleep(0.1)
        took = trio.current_time() - began

        received = bytearray()
        with pytest.raises(trio.BrokenResourceError):
            await read_into(received, peer)

    assert took == pytest.approx(5, abs=0.2)
    assert b"goodbye" not in received
    assert len(received) < SIZE
