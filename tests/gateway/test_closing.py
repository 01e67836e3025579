"""After the goodbye nothing more is said but the Close, and after the Close nothing at all (RFC 6455 §5.5.1)."""

import pytest
from gateway.peers import Closed, serve_place

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
