"""One task per node remembers when each client's tokens must have been followed by new ones.

Clients stand in buckets of one second each, so that one who leaves leaves nothing behind, and waiting
costs nothing per client.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import trio

TICK_SECONDS = 1.0


class Expiring(Protocol):
    """Have tokens that expire; a connection does."""

    def check_expiry(self) -> None:
        """See what has expired, and set the next deadline."""


class Deadlines:
    """Call clients at their deadlines, up to a second late; `clock` gives Unix seconds, as tokens do."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buckets: dict[int, dict[Expiring, None]] = {}
        self._bucket_of: dict[Expiring, int] = {}

    def __len__(self) -> int:
        return len(self._bucket_of)

    def set(self, client: Expiring, deadline: float) -> None:
        """Call a client at a time (Unix seconds), and at no other any more; infinity: never."""
        self.discard(client)
        if deadline < math.inf:
            bucket = math.ceil(deadline)
            self._bucket_of[client] = bucket
            self._buckets.setdefault(bucket, {})[client] = None

    def discard(self, client: Expiring) -> None:
        """Call a client no more."""
        bucket = self._bucket_of.pop(client, None)
        if bucket is not None:
            clients = self._buckets[bucket]
            del clients[client]
            if not clients:
                del self._buckets[bucket]

    async def serve(self) -> None:
        """Call whoever is due, until cancelled."""
        while True:
            await trio.sleep(TICK_SECONDS)
            now = self._clock()
            for bucket in [bucket for bucket in self._buckets if bucket <= now]:
                clients = self._buckets.pop(bucket)
                for client in clients:
                    del self._bucket_of[client]
                for client in clients:  # now that none is known by a bucket which is gone
                    client.check_expiry()
