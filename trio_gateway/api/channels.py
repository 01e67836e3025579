"""Which channels the API may touch is decided here, and whether they have what a method needs."""

from __future__ import annotations

import attrs

from trio_gateway.model.channel import check_channel, is_inbox, is_reserved
from trio_gateway.model.errors import InvalidChannel, NotAvailable
from trio_gateway.settings.settings import Settings


@attrs.frozen
class Channels:
    """Judge channels by the settings.

    Every method raises InvalidChannel for a name that no channel can have or that is the gateway's own, and
    UnknownChannel where its namespace is not configured.
    """

    settings: Settings = attrs.field(repr=False)

    def check(self, channel: str) -> None:
        """Raise unless such a channel can be."""
        check_channel(channel, max_bytes=self.settings.max_channel_length)
        if is_reserved(channel):
            raise InvalidChannel("the channel is the gateway's own")
        if not is_inbox(channel):
            self.settings.namespaces.rules_of(channel)

    def check_history(self, channel: str) -> None:
        """Raise NotAvailable where it keeps no history."""
        self.check(channel)
        if not self.settings.namespaces.history_of(channel).size:
            raise NotAvailable("no history is kept in this channel's namespace (options `history_size`, `history_ttl`)")

    def check_presence(self, channel: str) -> None:
        """Raise NotAvailable where it is not known who is there."""
        self.check(channel)
        namespaces = self.settings.namespaces
        if not (namespaces.inbox if is_inbox(channel) else namespaces.rules_of(channel)).presence:
            raise NotAvailable("presence is off in this channel's namespace (option `presence`)")
