"""Keys of the tokens' issuer are fetched by one task: at the start, hourly where used, and when a key is unknown.

The first fetch begins with the gateway and nobody waits for it: an issuer that is down keeps no node
from starting, and whoever brings a token meanwhile waits for that same fetch. However many ask, one
fetch is under way, and one begins in 10 s: strangers can name unknown keys as often as they like.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import trio

from trio_gateway.model.errors import BrokerUnavailable
from trio_gateway.model.logger import get_logger
from trio_gateway.model.reason import reason_of
from trio_gateway.session.keys import UnknownKey
from trio_gateway.session.tokens import Verifier
from trio_gateway.settings.option import hide_password
from trio_gateway.settings.settings import Settings

FETCH_SECONDS: Final = 5.0
"""For one fetch, redirects and all."""

PAUSE_SECONDS: Final = 10.0
"""From the begin of one fetch to that of the next."""

FRESH_SECONDS: Final = 3600.0
"""From then on the keys are fetched again when a token comes; until the new ones are there, the old ones count."""

Fetch = Callable[[str], Awaitable[bytes]]
"""Gives the body that a URL leads to; raises OSError for the network, ValueError for an answer that is none."""

Claims = TypeVar("Claims")

log = get_logger(__name__)


class KeysUnavailable(BrokerUnavailable):
    """Tell that a token can't be judged now (100), since its issuer does not answer: come again, it may be right."""


class KeySource:
    """Give a verifier the keys that are published at a URL; without a URL there is nothing to do."""

    def __init__(self, verifier: Verifier, url: str | None, fetch: Fetch) -> None:
        self._verifier = verifier
        self._url = url
        self._fetch = fetch
        self._wanted = trio.Event()
        self._ended = trio.Event()
        self._fetching = False
        self._failing = False
        self._count: int | None = None
        self._next = self._stale = -math.inf

    @classmethod
    def of(cls, settings: Settings, verifier: Verifier) -> KeySource:
        """Make the source of some settings, by HTTP."""
        if settings.token_jwks_url is None:
            return cls(verifier, None, _fetch_nothing)
        from trio_gateway.gateway.admission.key_fetch import fetch_keys  # noqa: PLC0415 (httpx takes its time to import)

        return cls(verifier, settings.token_jwks_url, fetch_keys)

    async def serve(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Fetch the keys now and whenever they are wanted, and every 10 s while that fails, until cancelled."""
        task_status.started()
        while self._url is not None:
            await self._refresh(self._url)
            await trio.sleep_until(self._next)
            if not self._failing:
                await self._wanted.wait()

    async def check(self, check: Callable[[], Claims]) -> Claims:
        """Return what `check`, which has the verifier judge tokens, does; once more with newer keys where it must.

        Raises what it raises but UnknownKey, and KeysUnavailable where the key is unknown and its issuer
        does not answer. Waits for as long as one fetch takes, or not at all.
        """
        if self._url is not None and trio.current_time() >= self._stale:
            self._wanted.set()
        try:
            return check()
        except UnknownKey:
            await self._fetched()
        return self._verifier.decide(check)

    async def _fetched(self) -> None:
        """Wait for the end of a fetch, where one may be; raises KeysUnavailable where they fail."""
        self._wanted.set()
        waits = self._fetching or trio.current_time() >= self._next
        if waits:
            # The second is for who runs no `serve`.
            with trio.move_on_after(FETCH_SECONDS + 1) as patience:
                await self._ended.wait()
        if self._failing or (waits and patience.cancelled_caught):
            raise KeysUnavailable("the tokens' issuer does not answer, so this token can't be judged now")

    async def _refresh(self, url: str) -> None:
        self._next = trio.current_time() + PAUSE_SECONDS
        self._fetching = True
        try:
            with trio.fail_after(FETCH_SECONDS):
                body = await self._fetch(url)
            self._take(self._verifier.take_keys(body))
        except trio.TooSlowError:
            self._fail(f"no answer within {FETCH_SECONDS:g} s")
        except (OSError, ValueError) as error:
            self._fail(reason_of(error))
        finally:
            self._fetching = False
            self._wanted = trio.Event()
            ended, self._ended = self._ended, trio.Event()
            ended.set()

    def _take(self, count: int) -> None:
        self._stale = trio.current_time() + FRESH_SECONDS
        if self._failing or count != self._count:
            log.info("fetched the keys of the tokens' issuer", keys=count)
        self._failing, self._count = False, count

    def _fail(self, reason: str) -> None:
        if not self._failing:
            log.warning("no keys from the tokens' issuer; trying again", url=self._shown, reason=reason)
        self._failing = True

    @property
    def _shown(self) -> str:
        return hide_password(self._url or "")


async def _fetch_nothing(_url: str) -> bytes:
    raise ValueError("there is no URL")
