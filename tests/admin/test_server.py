"""The operations server on a real socket."""

from __future__ import annotations

import contextlib
import socket
import sys

import httpx
import pytest
import trio

from tests.admin.asking import HEALTHY
from tests.captured_logs import capture_logs
from trio_gateway.admin import server
from trio_gateway.admin.app import make_app
from trio_gateway.admin.listening import listen_on
from trio_gateway.admin.server import serve_admin
from trio_gateway.admin.try_page import TryPage


@contextlib.asynccontextmanager
async def serving(app=None):
    """Serve an app while the block runs; gives the address."""
    listener = listen_on("127.0.0.1", 0, prefix="--admin-")
    address = listener.getsockname()
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_admin, app or make_app(lambda: HEALTHY, TryPage()), listener)
        yield address
        nursery.cancel_scope.cancel()
    assert listener.fileno() == -1


async def get(address, path):
    async with httpx.AsyncClient() as client:
        return await client.get(f"http://{address[0]}:{address[1]}{path}", timeout=20)


async def test_it_answers_on_the_socket_that_it_was_given():
    async with serving() as address:
        answer = await get(address, "/health/ready")
    assert answer.json() == {"status": "ready"}
    assert "server" not in answer.headers


async def test_after_its_end_nobody_listens():
    async with serving() as address:
        pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)


async def test_it_says_nothing_while_all_is_well(capfd):
    with capture_logs() as logs:
        async with serving() as address:
            await get(address, "/health")
            await get(address, "/nowhere?token=secret")
    assert logs == []
    assert capfd.readouterr() == ("", "")


async def test_an_error_of_the_app_is_logged_and_the_next_request_answered():
    def broken():
        raise RuntimeError("broken")

    with capture_logs() as logs:
        async with serving(make_app(broken, TryPage())) as address:
            assert (await get(address, "/health")).status_code == 500
            assert (await get(address, "/health/live")).status_code == 200
    assert [entry["log_level"] for entry in logs] == ["error"]


async def test_an_error_of_hypercorn_is_logged_and_it_is_started_again(monkeypatch, autojump_clock):
    failures = []

    async def failing_once(app, config):
        if not failures:
            failures.append(config)
            raise ExceptionGroup("", [RuntimeError("broken")])
        again.set()
        await trio.sleep_forever()

    again = trio.Event()
    monkeypatch.setattr(server, "serve", failing_once)
    with capture_logs() as logs:
        async with serving():
            await again.wait()
    assert [entry["event"] for entry in logs] == ["the operations server failed and is started again"]


@pytest.mark.skipif(sys.platform != "linux", reason="the other kernels have no such bound")
async def test_a_client_that_never_reads_does_not_hold_up_the_stop(monkeypatch):
    monkeypatch.setattr(server, "WRITE_SECONDS", 0.5)
    with trio.fail_after(30), socket.socket() as client:
        async with serving() as address:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(address)
            client.setblocking(False)
            await fill(client)


async def fill(client):
    """Ask for the page until the server has stopped reading, because its answers are not taken."""
    stream = trio.socket.from_stdlib_socket(client.dup())
    with stream:
        while True:
            with trio.move_on_after(0.3) as scope:
                await stream.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50)
            if scope.cancelled_caught:
                return
