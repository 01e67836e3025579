"""Nobody gets another one's answer, whoever vanishes in the middle of a request."""

from __future__ import annotations

import json
import socket

import trio
from broker.valkey import running
from e2e.gateway_process import serving
from e2e.stock_client import dial
from faults.link_proxy import link_to
from gateway.peers import request
from wire.client_frames import client_frame

from trio_gateway.gateway.socket import RESET_ON_CLOSE

VANISHING = 20
CHECKS = 150


async def vanish_again_and_again(gateway, number):
    """Ask, and reset the connection before an answer can come."""
    asked = json.dumps({"type": "send", "to": "nobody", "data": number, "ref": 0}).encode()
    while True:
        stream = await trio.open_tcp_stream("127.0.0.1", gateway.port)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        async with stream:
            await stream.send_all(request(f"/ws?user=v{number}") + client_frame(asked) * 5)
            await stream.receive_some(1)


async def check_answers(gateway, number):
    """Ask things whose answers only this client can have: offsets of an inbox that nobody else writes to."""
    async with dial(gateway.url(user=f"c{number}")) as client:
        for offset in range(1, CHECKS + 1):
            answer = await client.ask(type="send", to=f"c{number}", data=[number, offset])
            message = await client.receive("message")
            assert (answer["offset"], message["offset"], message["data"]) == (offset, offset, [number, offset])


async def test_answers_of_those_who_left_reach_nobody_else(tmp_path, store):
    with running(store) as valkey:
        async with (
            link_to(valkey.path) as link,
            serving(tmp_path, "--insecure", "--redis-url", link.url) as gateway,
            trio.open_nursery() as vanishing,
        ):
            for number in range(VANISHING):
                vanishing.start_soon(vanish_again_and_again, gateway, number)
            with trio.fail_after(60):
                async with trio.open_nursery() as checking:
                    for number in range(5):
                        checking.start_soon(check_answers, gateway, number)
                    for _ in range(10):  # the answers of many are under way when their askers go
                        await trio.sleep(0.1)
                        link.stall()
                        await trio.sleep(0.1)
                        link.mend()
            vanishing.cancel_scope.cancel()

            assert await gateway.reasons() == []
            assert "Traceback" not in gateway.errors
