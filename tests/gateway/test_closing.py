"""After the goodbye nothing more is said but the Close, and after the Close nothing at all (RFC 6455 §5.5.1)."""

import pytest
import trio
from gateway.peers import NAMESPACES, Closed, serve_place
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
