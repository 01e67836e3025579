"""A client is one connection: what everybody else may know of it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import attrs
import msgspec
from msgspec import Raw, Struct

from trio_gateway.model.user import User

NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})
"""One for all clients: most have none that a hook wants."""


class _ClientInfo(Struct, omit_defaults=True):
    user: str = msgspec.field()
    client: str = msgspec.field()
    conn_info: Raw | None = None
    chan_info: Raw | None = None


@attrs.frozen
class Client:
    """Describe one connection.

    `id` is new for each connection. `device` is empty where none was named. `address` is the peer's
    IP address, as the first trusted proxy saw it. `protocol` is the codec's name, `transport` what
    carries it. `info` (JSON text) is what its token or the application says of it to others, `meta` what
    they say of it to the application alone; both are empty for nothing. `headers` are those of its request
    that the hooks want, `emulated_headers` those that it wrote into its connect; their names are in lower case.
    """

    id: str
    user: User
    device: str
    address: str
    protocol: str
    info: bytes = b""
    meta: bytes = b""
    transport: str = "websocket"
    headers: Mapping[str, str] = attrs.field(default=NO_HEADERS, repr=False)
    emulated_headers: Mapping[str, str] = attrs.field(default=NO_HEADERS, repr=False)

    def describe(self, channel_info: bytes = b"") -> bytes:
        """Write the client as others are shown it (its ClientInfo), with what a subscription token says of it."""
        return msgspec.json.encode(_ClientInfo(self.user.id, self.id, _raw(self.info), _raw(channel_info)))


def _raw(text: bytes) -> Raw | None:
    return Raw(text) if text else None
