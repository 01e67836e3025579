"""`trio-gateway listen` prints what arrives: one JSON object a line on stdout, the connection's story on stderr."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from trio_gateway.cli.arguments import CHANNEL, DEVICE, SINCE, TOKEN, URL, USER
from trio_gateway.cli.exits import say
from trio_gateway.cli.flags import settings_of, takes_flags
from trio_gateway.cli.interrupts import EndingAtOnce
from trio_gateway.cli.local import client_url, find_token_secret, is_local
from trio_gateway.cli.tokens import make_token
from trio_gateway.model.errors import ConfigurationError, Unauthorized
from trio_gateway.settings.settings import Settings

if TYPE_CHECKING:
    from trio_gateway.client.values import Received

TOKEN_SECONDS = 30 * 24 * 3600.0
"""A listener may run for long, and shows the same token each time it reconnects."""

Identity = dict[str, Any]


@takes_flags("host", "port", "token_secret", "data_dir")
def listen(
    url: Annotated[
        str | None,
        Parameter(validator=URL, help="The gateway, such as wss://example.com/ws. [default: the one on this machine]"),
    ] = None,
    /,
    *,
    user: Annotated[
        str | None,
        Parameter(metavar="USER", allow_leading_hyphen=True, validator=USER, help="Whose messages; a token is made."),
    ] = None,
    token: Annotated[
        str | None, Parameter(metavar="TOKEN", validator=TOKEN, help="A token that names the user.")
    ] = None,
    device: Annotated[
        str | None,
        Parameter(
            metavar="NAME",
            validator=DEVICE,
            help="Name of this listener: the gateway remembers what it has seen, and sends the rest next time.",
        ),
    ] = None,
    since: Annotated[
        str | None,
        Parameter(
            metavar="POSITION", validator=SINCE, help="Begin after this position; 0: with everything that is kept."
        ),
    ] = None,
    channel: Annotated[
        list[str] | None,
        Parameter(
            negative_iterable=(),
            metavar="CHANNEL",
            validator=CHANNEL,
            help="Subscribe to this channel too, where its settings let clients. Can be repeated.",
        ),
    ] = None,
    flags: Any = None,
) -> None:
    """Print a user's messages as they arrive, and acknowledge them.

    Each line is a JSON object; one of type "gap" says that messages are missing.
    It reconnects by itself until Ctrl-C. For another machine, give a token
    or the --token-secret that is used there.

      trio-gateway listen --user 7 --device phone
      trio-gateway listen --user 7 --channel news --channel sport
      trio-gateway listen --token "$TOKEN" wss://example.com/ws
    """
    settings = settings_of(flags)
    if (user is None) == (token is None):
        raise ConfigurationError("--user or --token: expected one of the two")
    where = url or client_url(settings)
    identities = [{"token": token}] if user is None else identities_of(settings, user, where)
    options: dict[str, Any] = {"device": device, "since": since, "channels": tuple(channel or ())}
    _run(where, identities, options, here=url is None)


def identities_of(settings: Settings, user: str, url: str) -> Sequence[Identity]:
    """Give the ways to say who this is, the best first.

    With a secret for this gateway, a token; but it may run with `--insecure` and know none, so the
    bare name comes next. An insecure gateway without a secret takes only that.
    """
    secret = find_token_secret(settings, url)
    if secret is None and not is_local(url):
        say(f"warning: no token is made for another machine; unless {url} takes bare names, give a --token")
    tokens = [{"token": make_token(secret, user, TOKEN_SECONDS)}] if secret else []
    return [*tokens, {"user": user}]


def _run(url: str, identities: Sequence[Identity], options: dict[str, Any], *, here: bool) -> None:
    with EndingAtOnce():
        import trio  # noqa: PLC0415 (takes its time to import)

        from trio_gateway.cli.first_dial import first_dial  # noqa: PLC0415

    if here:
        options["open_stream"] = first_dial(url)
    logging.basicConfig(level=logging.INFO, handlers=[_Story()], force=True)
    trio.run(_listen, url, identities, options)


class _Story(logging.Handler):
    """Tell on stderr what the client logs about its connection."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one line."""
        say(record.getMessage())


async def _listen(url: str, identities: Sequence[Identity], options: dict[str, Any]) -> None:
    for identity in identities:
        try:
            await _print_all(url, identity, options)
        except Unauthorized:
            continue
    raise Unauthorized(f"{url} refuses this identity: give a --token that it takes, or the --token-secret that it has")


async def _print_all(url: str, identity: Identity, options: dict[str, Any]) -> None:
    from trio_gateway.client import connect  # noqa: PLC0415 (takes its time to import)

    async with connect(url, **identity, **options) as inbox:
        say(f"connected to {url}")
        async for received in inbox:
            _print(received)


def _print(received: Received) -> None:
    try:
        sys.stdout.write(line_of(received) + "\n")
    except UnicodeEncodeError:
        # A lone surrogate, or a terminal that is not UTF-8.
        sys.stdout.write(line_of(received, ascii_only=True) + "\n")
    sys.stdout.flush()


def line_of(received: Received, *, ascii_only: bool = False) -> str:
    """Write a message or a gap as the line that scripts read: a JSON object, what people look for first.

    Keys that have nothing to say (`id`, `from`, bounds of a gap that nobody knows) are left out.
    """
    from trio_gateway.client.values import ReceivedGap  # noqa: PLC0415 (takes its time to import)

    position = str(received.position)
    if isinstance(received, ReceivedGap):
        fields = {"type": "gap", "channel": received.channel, "from": received.first, "to": received.last}
    else:
        fields = {"type": "message", "channel": received.channel, "offset": received.offset, "data": received.data}
        fields |= {"from": received.sender or None, "id": received.id or None, "time": received.time}
    shown = {key: value for key, value in fields.items() if value is not None or key == "data"}
    return json.dumps({**shown, "position": position}, ensure_ascii=ascii_only)
