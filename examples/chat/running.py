"""The nursery of the chat: the gateway in its child process, and the back end on Hypercorn's Trio worker.

Ctrl-C cancels it: the back end stops at once (a page repeats what was not answered), and the gateway says
goodbye to its clients first.
"""

from __future__ import annotations

import signal
import socket
from contextlib import closing
from pathlib import Path
from typing import cast

import attrs
import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from hypercorn.typing import ASGIFramework

from examples.chat.app import make_app
from examples.chat.gateway import GatewayProgram
from examples.chat.keys import load_keys
from examples.chat.people import People
from examples.chat.publishing import make_client


@attrs.frozen
class Options:
    """Hold what the command line says."""

    host: str
    port: int
    gateway_port: int
    admin_port: int
    directory: Path
    allowed_hosts: tuple[str, ...] = ()

    @property
    def banner(self) -> str:
        """Write what is printed when the chat is ready."""
        everywhere = self.host == "0.0.0.0"
        address = "127.0.0.1" if everywhere else self.host
        phone = (
            f"  phone  http://ADDRESS:{self.port}/  (this machine's own address in your network)\n"
            if everywhere
            else ""
        )
        return (
            "The chat is ready; Ctrl-C ends it.\n\n"
            f"  page   http://{address}:{self.port}/  (a second person: open it in a private window)\n"
            f"{phone}"
            f"  data   {self.directory}  (remove it to start afresh)\n"
        )


def run_chat(options: Options) -> None:
    """Run the chat until Ctrl-C or SIGTERM; raises OSError, ValueError and (in a group) GatewayFailed."""
    options.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    keys = load_keys(options.directory)
    listener = _listen(options)
    with listener, closing(People(options.directory / "people.sqlite3")) as people:
        gateway = GatewayProgram(
            options.host, options.gateway_port, options.admin_port, options.directory / "gateway", keys
        )
        client = make_client(gateway.api_url, keys.api_key)
        app = make_app(
            people=people,
            keys=keys,
            client=client,
            gateway_port=options.gateway_port,
            allowed_hosts=(options.host, *options.allowed_hosts),
        )
        trio.run(_serve, gateway, cast("ASGIFramework", app), listener, options.banner)


def _listen(options: Options) -> socket.socket:
    try:
        return socket.create_server((options.host, options.port))
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (")[0]
        raise OSError(f"port {options.port} of {options.host}: {reason}; choose another by --port") from error


async def _serve(gateway: GatewayProgram, app: ASGIFramework, listener: socket.socket, banner: str) -> None:
    async with trio.open_nursery() as nursery:
        await nursery.start(_end_at_signal, nursery.cancel_scope)
        await nursery.start(gateway.serve)
        print(banner, flush=True)
        await serve(app, _config(listener))


def _config(listener: socket.socket) -> Config:
    """Configure Hypercorn, which gets a socket of its own to close."""
    config = Config()
    config.bind = [f"fd://{listener.dup().detach()}"]
    config.include_server_header = False
    config.loglevel = "WARNING"  # that it is ready is said by the banner
    return config


async def _end_at_signal(
    everything: trio.CancelScope, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for _ in signals:
            everything.cancel()
