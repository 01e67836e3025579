"""Accepting ends well, whatever arrives in the same moment."""

import socket

import trio
from gateway.peers import serve_place

from trio_gateway.gateway.server import ClientServer


async def test_who_arrives_in_the_same_turn_in_which_accepting_stops_breaks_nothing():
    """The order in which tasks of one turn run is random, so 20 times are enough to meet both."""
    async with serve_place() as place:
        for _ in range(20):
            with socket.create_server(("127.0.0.1", 0)) as listener, listener.dup() as arrival:
                server = ClientServer(place.node, listener, place.application)
                async with trio.open_nursery() as nursery:
                    await nursery.start(server.serve)
                    with socket.create_connection(listener.getsockname()):
                        await trio.lowlevel.wait_readable(arrival)  # wakes in one turn with the server
                        server.stop_accepting()
