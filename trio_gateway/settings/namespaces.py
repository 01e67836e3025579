"""Rules of channels: which namespace a channel belongs to, and what that namespace keeps and allows."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from trio_gateway.model.channel import is_inbox, namespace_of
from trio_gateway.model.errors import UnknownChannel
from trio_gateway.settings import kinds
from trio_gateway.settings.duration import DAY, MINUTE
from trio_gateway.settings.option import option

HISTORY_META_TTL = 30 * DAY
MAX_BEHIND_HELP = "How long a slow client may be behind before it is disconnected with 3008; 0: as long as it reads."


@attrs.frozen
class History:
    """Say how many publications a channel keeps and for how long; size or ttl 0 keeps nothing."""

    size: int
    ttl: float
    meta_ttl: float


@attrs.frozen(kw_only=True)
class ChannelRules:
    """Rule the channels of one namespace; raises InvalidOption when a value is wrong."""

    allow_subscribe_for_client: bool = option(False, kinds.FLAG, "Whether clients may subscribe by themselves.")
    allow_publish_for_client: bool = option(False, kinds.FLAG, "Whether clients may publish.")
    history_size: int = option(100, kinds.COUNT_OR_NONE, "Publications that are kept for who was away; 0: none.")
    history_ttl: float = option(5 * MINUTE, kinds.DURATION_OR_NONE, "How long they are kept; 0: not at all.")
    max_behind: float = option(0, kinds.DURATION_OR_NONE, MAX_BEHIND_HELP)

    @property
    def history(self) -> History:
        """Give what channels of this namespace keep."""
        return history_of(self.history_size, self.history_ttl)


@attrs.frozen(kw_only=True)
class InboxRules:
    """Rule the inboxes of all users; raises InvalidOption when a value is wrong."""

    allow_send_for_client: bool = option(True, kinds.FLAG, "Whether clients may send to other users.")
    history_size: int = option(1000, kinds.COUNT_OR_NONE, "Messages that an inbox keeps; 0: none.")
    history_ttl: float = option(7 * DAY, kinds.DURATION_OR_NONE, "How long they are kept; 0: not at all.")
    max_behind: float = option(0, kinds.DURATION_OR_NONE, MAX_BEHIND_HELP)

    @property
    def history(self) -> History:
        """Give what inboxes keep."""
        return history_of(self.history_size, self.history_ttl)


@attrs.frozen
class Namespaces:
    """Find the rules of a channel by its name."""

    inbox: InboxRules = attrs.field(factory=InboxRules)
    without_namespace: ChannelRules = attrs.field(factory=ChannelRules)
    named: Mapping[str, ChannelRules] = attrs.field(factory=dict)

    def rules_of(self, channel: str) -> ChannelRules:
        """Find the rules of a channel that is no inbox.

        Raises UnknownChannel when its namespace is not configured.
        """
        name = namespace_of(channel)
        if name is None:
            return self.without_namespace
        try:
            return self.named[name]
        except KeyError:
            raise UnknownChannel(f"no namespace {name[:80]!r} is configured") from None

    def history_of(self, channel: str) -> History:
        """Find what a channel keeps; raises UnknownChannel as `rules_of` does."""
        return self.inbox.history if is_inbox(channel) else self.rules_of(channel).history

    def max_behind_of(self, channel: str) -> float:
        """Find how long (seconds) a client may be behind in a channel, 0 for ever; raises as `rules_of` does."""
        return self.inbox.max_behind if is_inbox(channel) else self.rules_of(channel).max_behind


def history_of(size: int, ttl: float) -> History:
    """Make one History; meta outlives the publications at least twice, or offsets would start anew too early."""
    return History(size, ttl, max(HISTORY_META_TTL, 2 * ttl)) if size and ttl else History(0, 0, HISTORY_META_TTL)
