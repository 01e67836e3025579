"""A prefix has one owner: two installations that share a server and a prefix would mix their hints.

SELECT does not separate pub/sub, so each database has a random owner id, and the nodes say theirs
aloud now and then, on a pub/sub name that all databases of the server share. Who hears another
one's id (and does not find it in its own database) knows of the conflict; it costs one PUBLISH per round.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import trio

from trio_gateway.broker.redis.keys import Keys
from trio_gateway.model.logger import get_logger

REMEMBERED_SECONDS = 30.0
"""A foreign id heard longer ago no longer counts; each owner speaks every few seconds."""

log = get_logger(__name__)

Call = Callable[..., Awaitable[Any]]


class Owner:
    """Say whose the prefix is in our database, and listen for others."""

    def __init__(self, keys: Keys) -> None:
        self._key = keys.owner
        self._id = b""
        self._foreign: dict[bytes, float] = {}

    async def claim(self, call: Call) -> None:
        """Read the owner id of our database, or be the first to write one; then say it aloud."""
        mine = secrets.token_hex(8).encode()
        self._id = await call("SET", self._key, mine, "NX", "GET") or mine
        # After a FLUSHALL nodes may have heard an id before they read it: then it is no other's.
        self._foreign.pop(self._id, None)
        await call("PUBLISH", self._key, self._id)

    def hear(self, payload: bytes) -> None:
        """Take an owner id that somebody said aloud on this server."""
        if payload != self._id and self._id:
            if payload not in self._foreign:
                log.debug("another owner id was heard", prefix=self._key)
            self._foreign[payload] = trio.current_time()

    def reason(self) -> str | None:
        """Say that the prefix is another installation's as well; None while nobody else spoke up.

        An id must outlive one claim of ours: until then it may be our own database's new one.
        """
        now = trio.current_time()
        self._foreign = {id: at for id, at in self._foreign.items() if now - at < REMEMBERED_SECONDS}
        if not self._foreign:
            return None
        return (
            f"another installation uses the key prefix of {self._key!r} on this server: choose another --redis-prefix"
        )
