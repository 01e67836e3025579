"""Rules of channels: which namespace a channel belongs to, and what that namespace keeps and allows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from trio_gateway.model.channel import is_inbox, is_reserved, namespace_of
from trio_gateway.model.errors import ConfigurationError, UnknownChannel
from trio_gateway.settings import kinds
from trio_gateway.settings.duration import DAY, MINUTE
from trio_gateway.settings.kind import choice, written
from trio_gateway.settings.option import InvalidOption, option

META_OUTLIVES = 2
"""Meta must live this many times as long as the publications, or offsets would begin anew while some are still kept."""

META_TTL_HELP = "How long the offsets and cursors of an idle channel are kept; at least twice history_ttl."
MAX_BEHIND_HELP = "How long a slow client may be behind before it is disconnected with 3008; 0: as long as it reads."


@attrs.frozen
class History:
    """Say how many publications a channel keeps and for how long (seconds); size or ttl 0 keeps nothing."""

    size: int
    ttl: float
    meta_ttl: float


@attrs.frozen(kw_only=True)
class ChannelRules:
    """Rule the channels of one namespace; raises InvalidOption when a value is wrong."""

    allow_subscribe_for_client: bool = option(False, kinds.FLAG, "Whether clients may subscribe by themselves.")
    allow_subscribe_for_anonymous: bool = option(False, kinds.FLAG, "Whether clients without a user may do so too.")
    allow_publish_for_client: bool = option(False, kinds.FLAG, "Whether clients may publish.")
    allow_publish_for_subscriber: bool = option(
        False, kinds.FLAG, "Whether clients may publish in a channel they are subscribed to."
    )
    allow_publish_for_anonymous: bool = option(False, kinds.FLAG, "Whether clients without a user may do so too.")
    allow_history_for_client: bool = option(False, kinds.FLAG, "Whether clients may read the history.")
    allow_history_for_subscriber: bool = option(
        False, kinds.FLAG, "Whether clients may read the history of a channel they are subscribed to."
    )
    allow_history_for_anonymous: bool = option(False, kinds.FLAG, "Whether clients without a user may do so too.")
    allow_presence_for_client: bool = option(False, kinds.FLAG, "Whether clients may ask who is in a channel.")
    allow_presence_for_subscriber: bool = option(
        False, kinds.FLAG, "Whether clients may ask who is in a channel they are subscribed to."
    )
    allow_presence_for_anonymous: bool = option(False, kinds.FLAG, "Whether clients without a user may do so too.")
    allow_user_limited_channels: bool = option(
        False,
        kinds.FLAG,
        "Whether `chat#7,8` is open to the users 7 and 8 and to nobody else; they need no other permission.",
    )
    channel_regex: str = option(
        "", kinds.REGEX, "Pattern that the whole name after `namespace:` must match; empty: anything in ASCII."
    )
    publication_data_format: str = option(
        "",
        choice("", "json", "json_object"),
        "What clients may publish: `json` or empty: any JSON; `json_object`: only objects.",
    )
    subscribe_proxy_enabled: bool = option(
        False,
        kinds.FLAG,
        "Whether the `subscribe` hook decides who subscribes without a token, instead of the options above.",
    )
    publish_proxy_enabled: bool = option(
        False, kinds.FLAG, "Whether the `publish` hook decides what clients publish, instead of the options above."
    )
    sub_refresh_proxy_enabled: bool = option(
        False, kinds.FLAG, "Whether the `sub_refresh` hook prolongs subscriptions that expire, instead of a new token."
    )
    presence: bool = option(False, kinds.FLAG, "Whether the gateway keeps track of who is in a channel.")
    join_leave: bool = option(False, kinds.FLAG, "Whether subscribers may ask to be told who joins and leaves.")
    force_push_join_leave: bool = option(
        False, kinds.FLAG, "Whether all subscribers are told who joins and leaves, without asking."
    )
    force_recovery: bool = option(
        False, kinds.FLAG, "Whether clients of SDKs recover what they missed, without asking."
    )
    allow_recovery: bool = option(False, kinds.FLAG, "Whether clients of SDKs may ask to recover what they missed.")
    force_recovery_mode: str = option(
        "stream",
        choice("stream", "cache"),
        "What clients of SDKs recover: `stream`: all that they missed; `cache`: the latest publication alone.",
    )
    auto_cache_recover: bool = option(
        False,
        kinds.FLAG,
        "Whether they are brought the latest publication at each subscribe, without asking; needs `force_recovery`, mode `cache`.",
    )
    force_positioning: bool = option(
        False, kinds.FLAG, "Whether clients of SDKs are told their position, without asking."
    )
    allow_positioning: bool = option(False, kinds.FLAG, "Whether clients of SDKs may ask for their position.")
    allowed_delta_types: tuple[str, ...] = option(
        (),
        kinds.DELTA_TYPES,
        "Deltas that clients of SDKs may ask for, in place of all the data of each publication: `fossil`.",
    )
    delta_publish: bool = option(
        False,
        kinds.FLAG,
        "Whether deltas are made of all publications, or only of those that are published with `delta`.",
    )
    allow_tags_filter: bool = option(
        False, kinds.FLAG, "Whether clients of SDKs may ask for publications with some tags only."
    )
    history_size: int = option(
        100, kinds.COUNT_OR_NONE, "Publications that a channel keeps for clients that were away; 0: none."
    )
    history_ttl: float = option(5 * MINUTE, kinds.DURATION_OR_NONE, "How long they are kept; 0: not at all.")
    history_meta_ttl: float = option(30 * DAY, kinds.DURATION, META_TTL_HELP)
    max_behind: float = option(0, kinds.DURATION_OR_NONE, MAX_BEHIND_HELP)

    def __attrs_post_init__(self) -> None:
        check_meta_ttl(self)
        if self.force_recovery and not self.history.size:
            raise InvalidOption(
                "force_recovery", "expected a history to recover from: history_size and history_ttl above 0"
            )
        if self.auto_cache_recover and not (self.force_recovery and self.force_recovery_mode == "cache"):
            raise InvalidOption("auto_cache_recover", "expected force_recovery, and force_recovery_mode cache, with it")

    @property
    def history(self) -> History:
        """Give what channels of this namespace keep."""
        return history_of(self)


@attrs.frozen(kw_only=True)
class InboxRules:
    """Rule the inboxes of all users; raises InvalidOption when a value is wrong."""

    allow_send_for_client: bool = option(True, kinds.FLAG, "Whether clients may send to other users.")
    publish_proxy_enabled: bool = option(
        False,
        kinds.FLAG,
        "Whether the `publish` hook decides what clients send to other users, instead of the option above.",
    )
    presence: bool = option(False, kinds.FLAG, "Whether the gateway keeps track of a user's connections, for presence.")
    join_leave: bool = option(False, kinds.FLAG, "Whether a user's clients are told when one of them joins or leaves.")
    history_size: int = option(1000, kinds.COUNT_OR_NONE, "Messages that an inbox keeps; 0: none.")
    history_ttl: float = option(7 * DAY, kinds.DURATION_OR_NONE, "How long they are kept; 0: not at all.")
    history_meta_ttl: float = option(30 * DAY, kinds.DURATION, META_TTL_HELP)
    max_behind: float = option(0, kinds.DURATION_OR_NONE, MAX_BEHIND_HELP)

    def __attrs_post_init__(self) -> None:
        check_meta_ttl(self)

    @property
    def history(self) -> History:
        """Give what inboxes keep."""
        return history_of(self)


PROXIED: Final = ("subscribe", "publish", "sub_refresh")
"""The hooks on which channels may count, each by its `…_proxy_enabled`."""


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
        """Find how long (seconds) a client may be behind in a channel, 0 for ever; raises as `rules_of` does.

        The gateway's own channels have no rules, and no limit.
        """
        if is_reserved(channel):
            return 0
        return self.inbox.max_behind if is_inbox(channel) else self.rules_of(channel).max_behind

    def makes_deltas(self, channel: str) -> bool:
        """Tell whether all publications of a channel are made deltas for those who get such; raises as `rules_of` does."""
        return not (is_reserved(channel) or is_inbox(channel)) and self.rules_of(channel).delta_publish

    def check_hooks(self, given: Iterable[str]) -> None:
        """Raise ConfigurationError where channels count on a hook that is not among those given, by their names."""
        places = {"[inbox]": self.inbox, "[channel.without_namespace]": self.without_namespace}
        places |= {f"the namespace {name}": rules for name, rules in self.named.items()}
        there = frozenset(given)
        for place, rules in places.items():
            for hook in PROXIED:
                if hook not in there and getattr(rules, f"{hook}_proxy_enabled", False):
                    raise ConfigurationError(
                        f"{hook}_proxy_enabled in {place}: expected the hook {hook}: set the url in [hooks.{hook}]"
                    )


def history_of(rules: ChannelRules | InboxRules) -> History:
    """Make the History that rules ask for."""
    keeps = rules.history_size and rules.history_ttl
    return History(rules.history_size if keeps else 0, rules.history_ttl if keeps else 0, rules.history_meta_ttl)


def check_meta_ttl(rules: ChannelRules | InboxRules) -> None:
    """Raise InvalidOption where the offsets would be forgotten too soon after the publications."""
    least = META_OUTLIVES * rules.history_ttl
    if rules.history_meta_ttl < least:
        needed = f"expected at least twice history_ttl ({written(least)})"
        raise InvalidOption("history_meta_ttl", f"{needed}, not {written(rules.history_meta_ttl)}")
