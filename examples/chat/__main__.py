"""The one command: `python -m examples.chat`. Errors are one line; exit codes are the gateway's."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import cyclopts
import platformdirs

INSTALL = ".venv/bin/pip install '.[examples]'"

DIRECTORY = platformdirs.user_data_path("trio-gateway-chat", appauthor=False)


def chat(
    *,
    host: str = "127.0.0.1",
    port: int = 7000,
    gateway_port: int = 8000,
    admin_port: int = 9000,
    data_dir: Path = DIRECTORY,
    allowed_host: Annotated[tuple[str, ...], cyclopts.Parameter(negative=())] = (),
) -> int:
    """Run the chat until Ctrl-C: the gateway, and the back end with the page.

    Args:
        host: Where both listen; 0.0.0.0 lets phones of your network in, and everybody else there.
        port: The page's port.
        gateway_port: The gateway's port for clients.
        admin_port: The gateway's port for the back end, on this machine alone.
        data_dir: Where messages, people and secrets are kept.
        allowed_host: A name under which it is reached, beside localhost and addresses; give it once for each.
    """
    try:
        from examples.chat.gateway import GatewayFailed  # noqa: PLC0415 (what is missing has to be told)
        from examples.chat.running import Options, run_chat  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        return fail(f"the package {missing.name} is not installed: {INSTALL}")
    options = Options(host, port, gateway_port, admin_port, data_dir.absolute(), allowed_host)
    failed: BaseException | None = None
    try:
        run_chat(options)
    except* (OSError, ValueError, GatewayFailed) as group:
        failed = first(group)
    return fail(str(failed)) if failed else 0


def first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Find the first error in nested groups."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def fail(why: str) -> int:
    """Say in one line why the chat does not run."""
    print(f"chat: error: {why}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    app = cyclopts.App(name="python -m examples.chat", help=chat.__doc__)
    app.default(chat)
    sys.exit(app())
