"""A client is one connection: what everybody else may know of it."""

from __future__ import annotations

import attrs

from trio_gateway.model.user import User


@attrs.frozen
class Client:
    """Describe one connection.

    `id` is new for each connection. `device` is empty where none was named. `address` is the peer's
    IP address, as the first trusted proxy saw it. `protocol` is the codec's name.
    """

    id: str
    user: User
    device: str
    address: str
    protocol: str
