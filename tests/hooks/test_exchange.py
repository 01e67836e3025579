"""A connection to the back end serves request after request, whatever is answered."""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress

import h11
import pytest
import trio

from trio_gateway.hooks.http.bounded import MAX_DRAINED
from trio_gateway.hooks.http.exchange import open_client, post

REQUESTS = 5


@asynccontextmanager
async def answering(status, body, headers):
    """Answer each request on a real socket; gives the URL, and a list with an entry for each connection."""
    connections = []

    async def handle(stream):
        connections.append(stream)
        while True:
            server = h11.Connection(h11.SERVER)
            while server.their_state is not h11.DONE:
                if server.next_event() is h11.NEED_DATA:
                    data = await stream.receive_some()
                    if not data:
                        return
                    server.receive_data(data)
            head = h11.Response(status_code=status, headers=[*headers, ("Content-Length", str(len(body)))])
            parts = [head, *([h11.Data(data=body)] if body else []), h11.EndOfMessage()]
            await stream.send_all(b"".join(server.send(part) for part in parts))

    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(raw_server, handle)
        yield f"http://127.0.0.1:{listener.socket.getsockname()[1]}/", connections
        nursery.cancel_scope.cancel()


async def raw_server(handle, *, task_status=trio.TASK_STATUS_IGNORED):
    async def handle_until_it_breaks(stream):
        with suppress(trio.BrokenResourceError):  # nobody reads more than is allowed
            await handle(stream)

    await trio.serve_tcp(handle_until_it_breaks, 0, host="127.0.0.1", task_status=task_status)


async def connections_of(status, body, headers=()):
    """Ask some times, one after the other, and count the connections."""
    async with answering(status, body, headers) as (url, connections), open_client(10) as client:
        for _ in range(REQUESTS):
            assert (await post(client, url, b"{}", [])).status == status
    return len(connections)


@pytest.mark.parametrize(
    ("status", "body"), [(200, b"{}"), (201, b"{}"), (204, b""), (404, b"<html>"), (429, b""), (503, b"x" * 5000)]
)
async def test_a_connection_is_kept_whatever_the_status(status, body):
    assert await connections_of(status, body) == 1


async def test_also_where_a_body_of_which_nothing_is_wanted_is_packed():
    assert await connections_of(404, b"packed", [("Content-Encoding", "gzip")]) == 1


async def test_a_body_of_which_nothing_is_wanted_is_not_read_at_any_length():
    assert await connections_of(404, b"x" * (4 * MAX_DRAINED)) == REQUESTS


async def test_a_body_of_which_nothing_is_wanted_may_break_off():
    async def handle(stream):
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\n<html>")

    async with trio.open_nursery() as nursery, open_client(10) as client:
        (listener,) = await nursery.start(raw_server, handle)
        url = f"http://127.0.0.1:{listener.socket.getsockname()[1]}/"
        assert (await post(client, url, b"{}", [])).status == 404
        nursery.cancel_scope.cancel()
