"""Bounds that the store itself enforces, so that every publisher meets the same ones."""

from __future__ import annotations

import attrs

from trio_gateway.model.channel import CONTROL_CHANNEL, is_reserved
from trio_gateway.settings.namespaces import History, Namespaces
from trio_gateway.settings.settings import Settings

MAX_NAME_BYTES = 128
"""Of an id and of a sender: those of a user id."""

MAX_READ_BYTES = 1_048_576
"""One read of a stream brings about this much at most, and at least one publication."""

ID_SECONDS = 300.0
"""How long a publication's id is remembered."""

MAX_INFO_BYTES = 65_536
"""Of what others are shown of a member."""

MAX_MARK_BYTES = 512
"""Of a mark's name, and of its value."""

UNUSED_SECONDS = 600.0
"""How long a channel (no inbox) is remembered in which nothing was ever published: clients can invent any number of them."""

NO_HISTORY = History(0, 0, 0)
CONTROL_HISTORY = History(10_000, 300, 600)
"""Minutes: a node that was away for longer has lost its clients, and with them whom a directive is about."""


@attrs.frozen
class Limits:
    """Bound publications and channel names (bytes) and the known devices of an inbox."""

    max_publication_size: int = 1_048_576
    max_channel_length: int = 255
    max_devices: int = 64

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """Take the limits out of the settings."""
        return cls(settings.max_publication_size, settings.max_channel_length, settings.max_devices)


def history_of(namespaces: Namespaces, channel: str) -> History:
    """Find what a channel keeps, the gateway's own ones included; raises UnknownChannel."""
    if is_reserved(channel):
        return CONTROL_HISTORY if channel == CONTROL_CHANNEL else NO_HISTORY
    return namespaces.history_of(channel)
