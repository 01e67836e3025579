"""The loader keeps our functions and settings on the server: at each connect, and when a call finds them missing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import trio
from redis import exceptions

from trio_gateway.broker.redis.function_library import NOT_LOADED, REVISION, Installation, Library, update_of
from trio_gateway.broker.redis.refusals import is_library_missing
from trio_gateway.model.logger import get_logger

log = get_logger(__name__)

Call = Callable[..., Awaitable[Any]]
"""Sends one command and answers its reply, as `Link.call` does."""


class Loader:
    """Load the library with the settings of one prefix among those of others."""

    def __init__(self, prefix: str, wanted: Installation) -> None:
        self._prefix = prefix
        self._wanted = wanted
        self._lock = trio.Lock()
        self._loads = 0

    async def load(self, call: Call) -> None:
        """Bring functions and settings up to date; a newer revision stays."""
        loaded = await self._loaded(call)
        source = update_of(loaded, self._prefix, self._wanted)
        if source is not None:
            await call("FUNCTION", "LOAD", "REPLACE", source)
            self._loads += 1
            log.info("function library loaded", revision=REVISION, before=loaded.revision)
            if loaded.revision == REVISION and self._is_anothers(loaded.installations.get(self._prefix)):
                log.warning("channels had other settings by another node; ours count now", prefix=self._prefix)

    async def restore(self, call: Call) -> None:
        """Load the library once, however many tasks find it missing at the same time."""
        seen = self._loads
        async with self._lock:
            if self._loads == seen:
                await self.load(call)

    async def keep(self, call: Call) -> None:
        """Load the library where it, or our settings, went missing, are older, or were only guessed by a back end.

        Settings of another node of this installation are left alone, or two nodes with different ones
        would replace them for ever.
        """
        loaded = await self._loaded(call)
        present = loaded.installations.get(self._prefix)
        if present is None or present["provisional"] or loaded.revision < REVISION:
            await self.restore(call)

    def _is_anothers(self, present: Installation | None) -> bool:
        return present is not None and not present["provisional"] and present != self._wanted

    async def _loaded(self, call: Call) -> Library:
        try:
            return Library.parse(await call("FCALL", "tg1_library", 0))
        except exceptions.ResponseError as error:
            if is_library_missing(error):
                return NOT_LOADED
            raise
