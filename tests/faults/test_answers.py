"""Nobody gets another one's answer, whoever vanishes in the middle of a request."""

from __future__ import annotations

import itertools
import json
import socket

import pytest
import trio
from broker.valkey import running
from captured_logs import capture_logs
from e2e.gateway_process import until
from e2e.stock_client import dial
from faults.link_proxy import link_to
from gateway.peers import request
from ports import free_port
from wire.client_frames import client_frame

from trio_gateway.broker.redis import slots
from trio_gateway.gateway.transport.socket import RESET_ON_CLOSE
from trio_gateway.publisher import Publisher
from trio_gateway.settings.settings import Settings
from trio_gateway.supervisor import open_gateway

VANISHING = 20
CHECKING = 5
STALLS = 10
LEAVING = 20
"""Clients that leave between two stalls of the link to Redis, at least."""

STALL_SECONDS = 0.1
"""What is asked piles up for so long, and then is answered at once."""


class Vanishing:
    """Leave in the middle of something, again and again; `left` counts it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.left = 0

    async def run(self, number: int) -> None:
        while True:
            if number % 2:
                await self._leave_requests_behind(number)
            else:
                await self._leave_a_page_behind(number)
            self.left += 1

    async def _leave_requests_behind(self, number: int) -> None:
        """Ask, and be gone before an answer can come."""
        asked = json.dumps({"type": "send", "to": "nobody", "data": number, "ref": 0}).encode()
        await self._open_and_reset(f"/ws?user=v{number}", client_frame(asked) * 5)

    async def _leave_a_page_behind(self, number: int) -> None:
        """Have the gateway read a page of the store, and be gone when it comes: that command is cancelled."""
        await self._open_and_reset(f"/ws?user=v{number}&since=0", b"")

    async def _open_and_reset(self, path: str, frames: bytes) -> None:
        stream = await trio.open_tcp_stream("127.0.0.1", self._port)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        async with stream:
            await stream.send_all(request(path) + frames)
            await stream.receive_some(1)


async def send(client, user: str, offset: int) -> dict[str, object]:
    """Send a number; where the link stalled for too long, again with the same id."""
    while (answer := await client.ask(type="send", to=user, data=[user, offset], id=f"{offset}")).get("code") == 100:
        pass
    return answer


async def check_answers(url: str, user: str, stopping: trio.Event) -> None:
    """Ask things whose answers only this client can have: offsets of an inbox that nobody else writes to."""
    async with dial(f"{url}/ws?user={user}") as client:
        for offset in itertools.count(1):
            answer = await send(client, user, offset)
            message = await client.receive("message")
            assert (answer["offset"], message["offset"], message["data"]) == (offset, offset, [user, offset])
            if stopping.is_set():
                return


@pytest.fixture
def cancelled(monkeypatch):
    """Count the commands that nobody waits for any more."""
    commands, give_up = [], slots._give_up

    def note(given_up, *args):
        commands.extend(given_up)
        return give_up(given_up, *args)

    monkeypatch.setattr(slots, "_give_up", note)
    return commands


async def test_answers_of_those_who_left_reach_nobody_else(tmp_path, store, cancelled):
    with running(store) as valkey, Publisher(valkey.url) as publisher:
        publisher.broadcast([f"#v{number}" for number in range(VANISHING)], "a page of the store")
        async with link_to(valkey.path) as link:
            settings = Settings(
                insecure=True, redis_url=link.url, data_dir=tmp_path, port=free_port(), admin_port=free_port()
            )
            async with open_gateway(settings) as gateway:
                await gateway.wait_ready()
                with capture_logs() as logs:
                    await stall_and_check(gateway, link)
                reasons = gateway.health().reasons
        with valkey.client() as redis:
            left_behind = redis.xlen("tg:{#nobody}:s")

    assert reasons == ()
    assert [line for line in logs if line["log_level"] == "error"] == []
    assert left_behind
    assert len(cancelled) > STALLS


async def stall_and_check(gateway, link) -> None:
    """Check answers for as long as clients vanish while the link to Redis stalls now and then."""
    vanishing, stopping = Vanishing(gateway.port), trio.Event()
    async with trio.open_nursery() as leaving:
        for number in range(VANISHING):
            leaving.start_soon(vanishing.run, number)
        async with trio.open_nursery() as checking:
            for number in range(CHECKING):
                checking.start_soon(check_answers, f"ws://127.0.0.1:{gateway.port}", f"c{number}", stopping)
            for _ in range(STALLS):
                goal = vanishing.left + LEAVING
                await until(lambda goal=goal: vanishing.left >= goal)
                link.stall()
                await trio.sleep(STALL_SECONDS)
                link.mend()
            stopping.set()
        leaving.cancel_scope.cancel()
