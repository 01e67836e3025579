"""Hypercorn serves the operations app; whatever it trips over stays here and never ends the gateway.

The only module that knows Hypercorn. Its access log stays off.
"""

from __future__ import annotations

import socket
import sys
from typing import Any

import trio
from hypercorn.config import Config, Sockets
from hypercorn.logging import Logger
from hypercorn.trio import serve
from hypercorn.typing import Framework

from trio_gateway.model.logger import get_logger

READ_SECONDS = 30
"""For the next bytes of a request, so that nobody holds a connection by saying nothing."""

WRITE_SECONDS = 5.0
"""For a client to take its answer: Hypercorn shields its writes, so one that never reads would hold up the stop."""

KEEP_ALIVE_SECONDS = 15.0
"""Between two requests of one connection: the page and most probes ask more often."""

RESTART_SECONDS = 0.5

log = get_logger(__name__)


async def serve_admin(
    app: Framework, listener: socket.socket, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Serve an app on a listening socket until cancelled, then close the socket.

    Reports as started at once: who connects before the first accept waits in the socket's backlog. An
    error in Hypercorn itself is logged, its connections are dropped, and it is started again.
    """
    with listener:
        _limit_writes(listener)
        task_status.started()
        while True:
            # Hypercorn closes what it accepts on, but not when it is cancelled while it starts.
            with listener.dup() as accepting:
                try:
                    await serve(app, _config(accepting))
                except* Exception:
                    log.exception("the operations server failed and is started again")
            await trio.sleep(RESTART_SECONDS)


def _config(accepting: socket.socket) -> Config:
    config = BoundConfig(accepting)
    config.logger_class = QuietLogger
    config.include_server_header = False
    config.read_timeout = READ_SECONDS
    config.keep_alive_timeout = KEEP_ALIVE_SECONDS
    return config


def _limit_writes(listener: socket.socket) -> None:
    """Have the kernel drop clients that do not read; accepted sockets inherit it."""
    if sys.platform == "linux":
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(WRITE_SECONDS * 1000))


class BoundConfig(Config):
    """Have Hypercorn accept on a socket that is listening already; as `fd://N` it would be opened a second time."""

    def __init__(self, accepting: socket.socket) -> None:
        self._accepting = accepting

    def create_sockets(self) -> Sockets:
        """Give the one socket."""
        return Sockets([], [self._accepting], [])


class QuietLogger(Logger):
    """Pass Hypercorn's errors on to our log, and leave out its chatter and its access log."""

    def __init__(self, config: Config) -> None:
        config.accesslog = config.errorlog = None
        super().__init__(config)

    async def warning(self, message: str, *args: Any, **_: Any) -> None:
        """Log a warning."""
        log.warning("operations server", reason=message % args if args else message)

    async def error(self, message: str, *args: Any, **_: Any) -> None:
        """Log an error."""
        log.error("operations server", reason=message % args if args else message)

    async def exception(self, message: str, *args: Any, **_: Any) -> None:
        """Log the error that is being handled, with its traceback."""
        log.exception("operations server", reason=message % args if args else message)  # noqa: LOG004 (in one)

    critical = error
