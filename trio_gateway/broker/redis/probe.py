"""The probe publishes to the node's own channel and waits for it in the feed: health, measured end to end.

It goes through the publish function, since a demoted primary still takes PUBLISH but refuses FCALL.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio
from redis import exceptions

INTERVAL = 0.8
"""Seconds; with a deadline of 1.5 s for the call, and two missed, health is red within 3 s."""

MISSED = 2
"""Probes that did not come back through the feed, after which it is deaf."""

REASONS = {
    "READONLY": "the server is a replica now (READONLY): publishing is impossible",
    "MISCONF": "the server refuses writes (MISCONF): it can't write to its disk",
    "LOADING": "the server is loading its data (LOADING)",
    "CLUSTERDOWN": "the cluster is down (CLUSTERDOWN)",
    "OOM": "the server is out of memory (OOM): raise maxmemory",
    "NOREPLICAS": "the server refuses writes: too few replicas (NOREPLICAS)",
    "NOPERM": "this Redis user may not call our functions (NOPERM)",
    "TGPREFIX": "the function library on the server is newer and has no settings for our prefix: upgrade this node",
}


class Probe:
    """Publish every 0.8 s and watch it come back; reconnects what failed.

    `send` publishes a payload; `wait_up` waits until both links are there; `is_feed_silent` tells whether the
    feed brought nothing since a moment, although it was listening.
    """

    def __init__(
        self,
        send: Callable[[bytes], Awaitable[None]],
        *,
        wait_up: Callable[[], Awaitable[None]],
        is_feed_silent: Callable[[float], bool],
        reconnect_feed: Callable[[str], None],
        reconnect_commands: Callable[[str], None],
    ) -> None:
        self._send = send
        self._wait_up = wait_up
        self._is_feed_silent = is_feed_silent
        self._reconnect_feed = reconnect_feed
        self._reconnect_commands = reconnect_commands
        self._number = 0
        self._sent_at = 0.0
        self._echoed = True
        self._missed = 0
        self._failure: str | None = "the first probe is under way"
        self.round_trip: float | None = None

    async def serve(self) -> None:
        """Probe until cancelled."""
        while True:
            with trio.move_on_after(INTERVAL) as waiting:
                await self._wait_up()
            await self._probe()
            if not waiting.cancelled_caught:
                await trio.sleep(INTERVAL)
            self._judge()

    def hear(self, payload: bytes) -> None:
        """Take a probe that came back through the feed."""
        number = payload.rpartition(b"\n")[2]
        if number == b"%d" % self._number and not self._echoed:
            self._echoed = True
            self._missed = 0
            self._failure = None
            self.round_trip = trio.current_time() - self._sent_at

    def reason(self) -> str | None:
        """Say why publishing end to end fails, None while it works."""
        if self._missed >= MISSED:
            return "the feed is deaf: what is published does not come back"
        return self._failure

    async def _probe(self) -> None:
        self._number += 1
        self._echoed = False
        self._sent_at = trio.current_time()
        try:
            await self._send(b"%d" % self._number)
        except exceptions.RedisError as error:
            self._take_failure(str(error))

    def _take_failure(self, message: str) -> None:
        self._echoed = True
        word = message.partition(" ")[0]
        self._failure = REASONS.get(word, f"publishing fails: {message}")
        if word == "READONLY":
            self._reconnect_commands(self._failure)
            self._reconnect_feed(self._failure)

    def _judge(self) -> None:
        """Count a probe that did not come back, unless the feed brought other news or is busy with them."""
        if self._echoed or not self._is_feed_silent(self._sent_at):
            return
        self._missed += 1
        if self._missed % MISSED == 0:
            self._reconnect_feed("the feed is deaf")
