"""What can be told to be wrong from an argument alone is told at once: by its name, and what was expected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from trio_gateway.model.channel import RESERVED_PREFIX, check_channel, is_reserved
from trio_gateway.model.errors import ConfigurationError, InvalidChannel, InvalidId, RequestError
from trio_gateway.model.position import Position
from trio_gateway.model.user import MAX_USER_BYTES, check_device, check_user_id
from trio_gateway.settings import kinds
from trio_gateway.settings.option import SHOWN

MAX_CHANNEL_BYTES = 65_536
"""No channel name is longer than a frame; the real bound is a setting of the gateway, which judges it."""

PLAIN_TEXT = f"1 to {MAX_USER_BYTES} bytes of UTF-8 without control characters"


@attrs.frozen
class Argument:
    """Judge one argument of a command, as a validator of cyclopts.

    `name` is what the help calls it and `expected` completes "expected …"; `check` raises RequestError
    or ValueError. A wrong value is repeated, unless `secret` says that it may be one.
    """

    name: str
    expected: str
    check: Callable[[str], object]
    secret: bool = False

    def __call__(self, _type: Any, value: str | list[str] | None) -> None:
        """Check the value, or each of a list, or none where it was not given; raises ConfigurationError."""
        for text in [value] if isinstance(value, str) else value or ():
            self._check(text)

    def _check(self, text: str) -> None:
        try:
            self.check(text)
        except (RequestError, ValueError):
            shown = "" if self.secret else f", not {text[:SHOWN]!r}"
            raise ConfigurationError(f"{self.name}: expected {self.expected}{shown}") from None


def _check_channel(channel: str) -> None:
    if is_reserved(check_channel(channel, max_bytes=MAX_CHANNEL_BYTES)):
        raise InvalidChannel("it is the gateway's own")


def _check_id(id: str) -> None:
    from trio_gateway.broker.checks import check_publication  # noqa: PLC0415 (msgspec takes its time to import)
    from trio_gateway.broker.limits import Limits  # noqa: PLC0415

    if not id:
        raise InvalidId("an empty id is none")
    check_publication("any", b"", id, "", Limits())


def _check_token(token: str) -> None:
    _make_address("ws://any", token)


def _check_url(url: str) -> None:
    _make_address(url, None)


def _make_address(url: str, token: str | None) -> None:
    from trio_gateway.client.address import make_address  # noqa: PLC0415 (brings Trio)

    make_address(url, user=None, token=token, device=None, ssl_context=None)


def _check_data(data: str) -> None:
    if data.startswith("--"):
        raise ValueError("no JSON begins so; it is a flag that publish does not have")


DATA = Argument("DATA", "JSON text (or is this a flag? `publish --help` lists them)", _check_data)
USER = Argument("--user", PLAIN_TEXT, check_user_id)
DEVICE = Argument("--device", "1 to 64 of A-Z a-z 0-9 . _ -", check_device)
SINCE = Argument("--since", "0 or a position of the form <epoch>:<offset>", Position.parse_since)
CHANNEL = Argument(
    "--channel",
    f"a name of 1 to {MAX_CHANNEL_BYTES} bytes of UTF-8 without control characters, and no {RESERVED_PREFIX} in front",
    _check_channel,
)
ID = Argument("--id", PLAIN_TEXT, _check_id)
TTL = Argument("--ttl", kinds.DURATION.expected, kinds.DURATION.read)
TOKEN = Argument("--token", "a JWT: letters, digits and . _ ~ + / - only", _check_token, secret=True)
URL = Argument(
    "URL", "ws://host:port or wss://host, with no credentials and no fragment in it", _check_url, secret=True
)
