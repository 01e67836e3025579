"""A stop is a drain: ready turns red first, everybody is told goodbye in turn, nothing that was asked goes unanswered."""

from __future__ import annotations

import contextlib
import itertools
import signal
import statistics
import time
from contextlib import asynccontextmanager

import pytest
import trio
from e2e.gateway_process import serving, until
from e2e.many_clients import crowd
from e2e.stock_client import ConnectionClosed, dial


@asynccontextmanager
async def stubborn_client(gateway):
    """Connect somebody who never answers a Close, which holds up the drain for 5 s."""
    async with crowd(gateway, 1, answers_close=False) as clients:
        yield clients[0]


async def test_a_client_is_told_to_come_back_and_closed_with_3001(gateway):
    async with dial(gateway.url(user="7")) as client:
        gateway.signal(signal.SIGTERM)
        frames, code, reason = await client.closed()

    (goodbye,) = [frame for frame in frames if frame["type"] == "goodbye"]
    assert (goodbye["code"], goodbye["reason"]) == (3001, "shutdown")
    assert 0 < goodbye["reconnect_ms"] <= 5000
    assert (code, reason) == (3001, "shutdown")
    assert await gateway.wait() == 0


async def test_nobody_new_gets_in_during_the_drain(gateway):
    async with stubborn_client(gateway):
        gateway.signal(signal.SIGTERM)
        await until(gateway.reasons)

        with pytest.raises(OSError, match="attempts to connect"):
            await trio.open_tcp_stream("127.0.0.1", gateway.port)


async def test_health_says_draining_until_the_last_client_has_gone_which_is_dropped_after_five_seconds(gateway):
    async with stubborn_client(gateway) as client:
        begin = time.monotonic()
        gateway.signal(signal.SIGTERM)
        assert await until(gateway.reasons) == ["draining"]
        while not client.ended.is_set():
            reasons = await gateway.reasons()
            if reasons is None:
                break
            assert reasons == ["draining"]
            with trio.move_on_after(0.5):
                await client.ended.wait()
        with trio.fail_after(2):  # health may go only when the client has gone
            await client.ended.wait()
        assert await gateway.wait() == 0

    assert 4.5 < time.monotonic() - begin < 25
    assert client.goodbye["code"] == 3001


async def test_a_second_signal_ends_at_once(gateway):
    async with stubborn_client(gateway):
        begin = time.monotonic()
        gateway.signal(signal.SIGTERM)
        await until(gateway.reasons)
        gateway.signal(signal.SIGTERM)
        assert await gateway.wait() == 0

    assert time.monotonic() - begin < 4.5  # it would have been 5 s
    assert "Traceback" not in gateway.errors


@pytest.mark.parametrize(("window", "least", "most"), [("1", 0.2, 15), ("30", 0.48, 20)])
async def test_goodbyes_are_spread_evenly_over_the_window_but_never_slower_than_500_a_second(
    tmp_path, window, least, most
):
    async with serving(tmp_path, "--insecure", "--drain-seconds", window) as gateway, crowd(gateway, 1200) as clients:
        gateway.signal(signal.SIGTERM)
        for client in clients:
            await client.ended.wait()
        assert await gateway.wait() == 0

    times = sorted(client.goodbye_at for client in clients)
    span = times[-1] - times[0]
    assert least <= span <= most
    assert 0.15 < (statistics.median(times) - times[0]) / span < 0.85
    assert {client.code for client in clients} == {3001}
    assert len({client.goodbye["reconnect_ms"] for client in clients}) > 100  # they do not come back in step


async def test_who_was_not_told_goodbye_yet_still_receives(tmp_path):
    """Published when the first of 600 is told, a message reaches the last 100, who are told a second later."""
    async with serving(tmp_path, "--insecure") as gateway, crowd(gateway, 600, user="7") as clients:
        with gateway.publisher() as publisher:
            gateway.signal(signal.SIGTERM)
            await until(lambda: any(client.goodbye for client in clients))
            publisher.send_to_user("7", "still here?")
        for client in clients:
            await client.ended.wait()

    last = sorted(clients, key=lambda client: client.goodbye_at)[-100:]
    assert {tuple(client.messages) for client in last} == {("still here?",)}
    assert not any(client.heard_after_goodbye for client in clients)


async def test_what_was_asked_before_the_goodbye_is_answered_before_the_close(gateway):
    """Asked without a pause: what takes effect is answered, and what comes too late takes none."""
    async with dial(gateway.url(user="7")) as client, stubborn_client(gateway), trio.open_nursery() as nursery:

        async def ask_on():
            with contextlib.suppress(ConnectionClosed):
                for number in itertools.count():
                    await client.send(type="send", to="8", data=number, ref=number)

        nursery.start_soon(ask_on)
        for _ in range(100):
            await client.receive("ok")
        gateway.signal(signal.SIGTERM)
        frames, code, _ = await client.closed()
        with gateway.redis() as redis:
            stored = redis.xinfo_stream("tg:{#8}:s")["entries-added"]

    answered = 100 + sum(frame["type"] == "ok" for frame in frames)
    assert code == 3001
    assert frames[-1]["type"] == "goodbye"
    assert answered == stored
