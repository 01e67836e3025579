"""One place runs a command and turns every expected error into one line and an exit code."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence

from cyclopts import App, Group

from trio_gateway.cli.api import api
from trio_gateway.cli.config import config
from trio_gateway.cli.exits import exit_code, report
from trio_gateway.cli.listen import listen
from trio_gateway.cli.ping import ping
from trio_gateway.cli.publish import publish
from trio_gateway.cli.serve import serve
from trio_gateway.cli.tokens import token

COMMANDS: tuple[Callable[..., None], ...] = (serve, listen, publish, api, token, config, ping)

HELP = """\
A real-time gateway next to Redis: clients hold a
WebSocket, any back end publishes, nothing is lost.
"""

EXAMPLES = """\
Try it in two terminals:

  trio-gateway serve
  trio-gateway listen --user 7 --device phone

and in a third:

  trio-gateway publish --user 7 '{"text": "hi"}'

`trio-gateway COMMAND --help` tells more about each.
"""


def run(arguments: Sequence[str] | None) -> int:
    """Run the command that the arguments (without the program's name) ask for, and return the exit code."""
    # PyJWT says so at every token; `serve` says it once.
    warnings.filterwarnings("ignore", message="The HMAC key is")
    try:
        make_app()(arguments, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
    except BaseException as error:
        code = exit_code(error)
        if code is None:
            raise
        report(error)
        return code
    return 0


def make_app() -> App:
    """Make the command line with all its commands."""
    app = App(
        name="trio-gateway",
        help=HELP,
        help_epilogue=EXAMPLES,
        help_format="plaintext",
        group_parameters=Group("Options", sort_key=0),
        version=_version,
        suppress_keyboard_interrupt=False,
    )
    for order, command in enumerate(COMMANDS):
        app.command(command, help_epilogue="", sort_key=order)
    return app


def _version() -> str:
    from importlib.metadata import version  # noqa: PLC0415 (takes a fifth of the start)

    return f"trio-gateway {version('trio-gateway')}"
