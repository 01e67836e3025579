"""`trio-gateway serve` runs the gateway."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import attrs

from trio_gateway.cli.banner import FIRST_USER, TOKEN_SECONDS, banner
from trio_gateway.cli.flags import settings_of, takes_flags
from trio_gateway.cli.identity import with_api_key, with_identity
from trio_gateway.cli.interrupts import EndingAtOnce
from trio_gateway.cli.open_files import raise_open_files
from trio_gateway.cli.tokens import make_token
from trio_gateway.settings.settings import Settings

if TYPE_CHECKING:
    from trio_gateway.running import Gateway


@takes_flags()
def serve(*, flags: Any = None) -> None:
    """Run the gateway until Ctrl-C or SIGTERM.

    Without any option it serves this machine alone, with a store of its own,
    and makes up a secret for tokens. Every option is also a TOML key and an
    environment variable: --admin-port, admin_port, TRIO_GATEWAY_ADMIN_PORT.

      trio-gateway serve
      trio-gateway serve --host 0.0.0.0 --redis-url redis://db:6379/0
      trio-gateway serve --config /etc/trio-gateway.toml
    """
    settings = settings_of(flags)
    settings, made_up = with_identity(settings)
    settings = with_api_key(settings)
    token = make_token(made_up, FIRST_USER, TOKEN_SECONDS) if made_up else None
    _run(settings, token, getattr(flags, "config", None) or "")


def _run(settings: Settings, token: str | None, config: str) -> None:
    with EndingAtOnce():
        import trio  # noqa: PLC0415 (all of the gateway takes its time to import)

        from trio_gateway.cli.logs import configure_logs  # noqa: PLC0415
        from trio_gateway.model.logger import get_logger  # noqa: PLC0415
        from trio_gateway.supervisor import serve_gateway  # noqa: PLC0415

    configure_logs(settings.log_format, settings.log_level)
    raise_open_files()

    def on_open(gateway: Gateway) -> None:
        if settings.log_format == "console":
            # Port 0 was a wish for any that is free.
            bound = attrs.evolve(settings, port=gateway.port, admin_port=gateway.admin_port)
            print(banner(bound, token, gateway.health().broker.reasons, config), flush=True)  # noqa: T201
        elif token:
            # Where logs are for machines, a banner is in the way.
            get_logger(__name__).warning("no token secret is set, so one was made up for this machine")

    async def run() -> None:
        spare_the_collector()
        await serve_gateway(settings, on_open=on_open)

    trio.run(run)


def spare_the_collector() -> None:
    """Let the garbage collector look less often at what lives as long as its connection.

    By default it walks all objects of the process each time that a quarter has been added. What goes
    with a connection goes by reference counts; the collector is for the few cycles. Measured with
    1,000 connections: opening and closing one costs a sixth less, the worst deliveries come three
    times sooner.
    """
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
