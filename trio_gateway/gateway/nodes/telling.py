"""The application is told that a client has gone: it hears it in time, or it is told again.

What else it breaks with is a fault of its own: it is logged, and stops nobody.
"""

from __future__ import annotations

from typing import Final

import trio

from trio_gateway.hooks.hooks import Disconnected
from trio_gateway.hooks.requests import DisconnectedRequest
from trio_gateway.model.errors import HookUnavailable
from trio_gateway.model.logger import get_logger
from trio_gateway.model.reason import reason_of
from trio_gateway.model.seldom import Seldom

AT_ONCE: Final = 16
"""Ends that are told at a time: this node's own, and those of one lost node."""

TELL_SECONDS: Final = 30.0
"""For the hook to take one end; a claim of a lost node's record lasts longer."""

log = get_logger(__name__)


class Telling:
    """Tell the application, by the hook `disconnected`; without a hook nobody is told."""

    def __init__(self, hook: Disconnected | None) -> None:
        self._hook = hook
        self._failures = Seldom()

    async def tell(self, request: DisconnectedRequest) -> bool:
        """Tell of an end, in up to TELL_SECONDS; answers whether the application has heard it."""
        assert self._hook is not None, "nobody is told without a hook"
        try:
            with trio.fail_after(TELL_SECONDS):
                await self._hook(request)
        except HookUnavailable as error:  # who asks a back end logs that it is away
            log.debug("the end of a client is told later", client=request.client.id, reason=reason_of(error))
        except Exception:
            if failures := self._failures.count(trio.current_time()):
                log.warning("the hook disconnected failed; it is told again", failures=failures, exc_info=True)
        else:
            return True
        return False
