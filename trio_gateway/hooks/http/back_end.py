"""A back end stands behind the hooks that have a URL: each is asked by itself, so that a slow one holds up no other."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Final

import attrs
import trio

from trio_gateway.hooks.hooks import Hooks
from trio_gateway.hooks.http.caller import Caller, Shape
from trio_gateway.hooks.http.exchange import open_client
from trio_gateway.hooks.http.requests import (
    channel_body,
    connect_body,
    disconnected_body,
    refresh_body,
    rpc_body,
    sub_refresh_body,
)
from trio_gateway.hooks.http.results import (
    read_connect,
    read_nothing,
    read_publish,
    read_refresh,
    read_rpc,
    read_subscribe,
)
from trio_gateway.hooks.http.statistics import HookStatistics
from trio_gateway.settings.back_end import BackEndRules

SHAPES: Final = {
    "connect": Shape(connect_body, read_connect),
    "subscribe": Shape(channel_body, read_subscribe),
    "publish": Shape(channel_body, read_publish),
    "rpc": Shape(rpc_body, read_rpc),
    "refresh": Shape(refresh_body, read_refresh, refuses=False),
    "sub_refresh": Shape(sub_refresh_body, read_refresh, refuses=False),
    "disconnected": Shape(disconnected_body, read_nothing, answers=False),
}


class BackEnd:
    """Ask a back end as its rules say."""

    def __init__(self, back_end: BackEndRules) -> None:
        self._rules = dict(back_end.given())
        self._callers = {name: Caller(name, rules, SHAPES[name]) for name, rules in self._rules.items()}

    def behind(self, hooks: Hooks) -> Hooks:
        """Add the hooks that it answers to those of the application, which count more."""
        asked = {name: caller.ask for name, caller in self._callers.items() if getattr(hooks, name) is None}
        if hooks.authenticate:
            asked.pop("connect", None)  # it says already who a client is
        asking = [self._rules[name] for name in asked]
        return attrs.evolve(
            hooks,
            **asked,  # type: ignore[arg-type]  # hooks by name
            headers=hooks.headers.union(*(each.http_headers for each in asking)),
            emulated_headers=hooks.emulated_headers.union(*(each.emulated_headers for each in asking)),
        )

    def statistics(self) -> Mapping[str, HookStatistics]:
        """Show what came of the requests of each hook until now."""
        return {name: caller.statistics() for name, caller in self._callers.items()}

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep the connections to the back end until cancelled."""
        async with AsyncExitStack() as stack:
            for name, caller in self._callers.items():
                caller.use(await stack.enter_async_context(open_client(self._rules[name].max_concurrent)))
            task_status.started()
            await trio.sleep_forever()
