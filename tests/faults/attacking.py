"""An attack runs against a gateway in a process of its own, while the next client's traffic is watched."""

from __future__ import annotations

import contextlib
import re
import socket
from pathlib import Path

import trio
from e2e.gateway_process import serving
from e2e.stock_client import dial
from gateway.peers import Peer, request

from trio_gateway.gateway.transport.socket import RESET_ON_CLOSE

LONGEST = 5.0
"""Seconds that the next client may wait for an answer; it takes milliseconds, also on a busy machine."""

MAX_GROWTH = 80 * 1024 * 1024
"""Bytes that the gateway may grow by in an attack. The large ones, kept without a bound, would take more: 100 MB the
heads without end, 160 MB the busy channel that nobody reads."""


class Attacker:
    """Make connections and write bytes as they come."""

    def __init__(self, gateway) -> None:
        self.gateway = gateway
        self._peers: list[Peer] = []

    async def connect(self, *, receive_buffer: int = 0) -> Peer:
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        await trio.socket.from_stdlib_socket(sock).connect(("127.0.0.1", self.gateway.port))
        self._peers.append(Peer(sock))
        return self._peers[-1]

    async def open(self, user: str = "attacker", **options) -> Peer:
        peer = await self.connect(**options)
        await peer.write(request(f"/ws?user={user}"))
        head = await peer.read_head()
        assert head.startswith("HTTP/1.1 101 "), head
        return peer

    def close(self, *, reset: bool = False) -> None:
        for peer in self._peers:
            if reset and peer.sock.fileno() >= 0:
                peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            peer.stream.socket.close()


async def write_on(peer: Peer, data: bytes) -> None:
    """Write, whatever the other side thinks of it."""
    with contextlib.suppress(trio.BrokenResourceError), trio.move_on_after(10):
        await peer.write(data)


async def live(gateway, rounds: list[int], *, task_status) -> None:
    """Be the next client: ask, get the answer and the message, again and again, each time soon."""
    async with dial(gateway.url(user="next")) as client:
        task_status.started()
        while True:
            with trio.fail_after(LONGEST):
                answer = await client.ask(type="send", to="next", data=len(rounds))
                message = await client.receive("message")
            assert (answer["offset"], message["offset"], message["data"]) == (
                len(rounds) + 1,
                len(rounds) + 1,
                len(rounds),
            )
            rounds.append(len(rounds))
            await trio.sleep(0.01)


def memory_of(gateway) -> int:
    status = Path(f"/proc/{gateway.pid}/status").read_text()
    return 1024 * int(re.search(r"VmRSS:\s+(\d+) kB", status)[1])


async def endure(tmp_path, attack):
    """Let an attack happen; fails where the next client waits, memory grows, or the log complains."""
    async with serving(tmp_path, "--insecure", "--handshake-seconds", "2", "--log-level", "debug") as gateway:
        attacker, rounds = Attacker(gateway), []
        try:
            async with trio.open_nursery() as nursery:
                await nursery.start(live, gateway, rounds)
                before = memory_of(gateway)
                await attack(attacker)
                during = memory_of(gateway)
                attacker.close(reset=True)
                seen = len(rounds)
                with trio.fail_after(30):
                    while len(rounds) < seen + 20:
                        await trio.sleep(0.02)
                nursery.cancel_scope.cancel()
        finally:
            attacker.close()

        assert during - before < MAX_GROWTH
        assert await gateway.reasons() == []
        assert "Traceback" not in gateway.errors
        assert " [error " not in gateway.errors
