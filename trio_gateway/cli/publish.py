"""`trio-gateway publish` publishes one message as a back end does, and prints its position."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

from cyclopts import Parameter

from trio_gateway.cli.arguments import CHANNEL, DATA, ID, USER
from trio_gateway.cli.flags import settings_of, takes_flags
from trio_gateway.cli.local import find_redis_url
from trio_gateway.model.errors import (
    BrokerUnavailable,
    ConfigurationError,
    InvalidData,
    InvalidId,
    PublicationTooLarge,
    RequestError,
)
from trio_gateway.model.position import Position
from trio_gateway.model.reason import reason_of
from trio_gateway.settings.option import hide_password
from trio_gateway.settings.settings import Settings

STDIN = "-"
BLAMED: dict[type[RequestError], str] = {InvalidId: "--id", InvalidData: "DATA", PublicationTooLarge: "DATA"}
"""The argument that the store refuses; all else is about where the message goes."""

NOT_KEPT = "not kept"
"""What is printed in place of a position where the channel keeps no history."""


@takes_flags("redis_url", "redis_prefix", "data_dir")
def publish(
    data: Annotated[
        str, Parameter(allow_leading_hyphen=True, validator=DATA, help="JSON text, or - to read it from stdin.")
    ],
    /,
    *,
    user: Annotated[
        str | None,
        Parameter(metavar="USER", allow_leading_hyphen=True, validator=USER, help="Into this user's inbox."),
    ] = None,
    channel: Annotated[
        str | None,
        Parameter(metavar="CHANNEL", allow_leading_hyphen=True, validator=CHANNEL, help="In this channel."),
    ] = None,
    id: Annotated[
        str | None,
        Parameter(
            metavar="ID",
            allow_leading_hyphen=True,
            validator=ID,
            help="Makes a repetition harmless: the same id takes effect once in 5 minutes.",
        ),
    ] = None,
    flags: Any = None,
) -> None:
    """Publish a message to a user or in a channel, and print its position.

    On the machine of `trio-gateway serve` it needs no further option:

      trio-gateway publish --user 7 '{"text": "hi"}'
      trio-gateway publish --channel news --id mail-15 '"JSON text is quoted"'
      date +'{"now": "%T"}' | trio-gateway publish --user 7 -
    """
    settings = settings_of(flags)
    if (user is None) == (channel is None):
        raise ConfigurationError("--user or --channel: expected one of the two")
    position = _publish(settings, user, channel, _read_json(data), id)
    print(position if position.epoch else NOT_KEPT)  # noqa: T201


def _publish(settings: Settings, user: str | None, channel: str | None, data: Any, id: str | None) -> Position:
    from trio_gateway.publisher import Publisher  # noqa: PLC0415 (redis-py takes its time to import)

    url = find_redis_url(settings)
    try:
        with Publisher(url, prefix=settings.redis_prefix) as publisher:
            if user is not None:
                return publisher.send_to_user(user, data, id)
            return publisher.publish(channel or "", data, id)
    except ConfigurationError as error:  # names one of the Publisher's own arguments, `url` or `prefix`
        raise ConfigurationError(f"--redis-{error}") from None
    except RequestError as error:
        blamed = BLAMED.get(type(error), "--channel" if user is None else "--user")
        raise ConfigurationError(f"{blamed}: {error}") from None
    except BrokerUnavailable as error:
        raise BrokerUnavailable(_why(error, hide_password(url))) from error


def _why(error: BrokerUnavailable, url: str) -> str:
    """Tell why there is no answer: as the system said it, where redis-py says so in words for programmers."""
    inner = error.__cause__ and error.__cause__.__context__
    if isinstance(inner, TimeoutError):
        return f"no answer from {url} in time; whether it was published is unknown"
    return f"no connection to {url}: {reason_of(inner)}" if isinstance(inner, OSError) else str(error)


def _read_json(text: str) -> Any:
    try:
        return json.loads(sys.stdin.read() if text == STDIN else text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f'DATA: expected JSON, such as \'{{"text": "hi"}}\': {error}') from None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
