"""What a client may do in a channel is decided here: the first rule that matches counts (protocol §9.3).

Every function answers, and none raises; what a refusal is called is the session's business. On an
insecure server everything is allowed that nothing else decided.
"""

from __future__ import annotations

import attrs

from trio_gateway.model.channel import is_private, users_of
from trio_gateway.settings.namespaces import ChannelRules


@attrs.frozen
class Asker:
    """Say who asks: the user (empty for nobody), whether the client is subscribed there, whether the server is insecure."""

    user: str
    subscribed: bool
    insecure: bool


def may_subscribe(channel: str, rules: ChannelRules, asker: Asker) -> bool:
    """Decide on a subscribe without a token."""
    if is_private(channel):
        return False
    users = users_of(channel) if rules.allow_user_limited_channels else None
    if users is not None:
        return (asker.user in users and bool(asker.user)) or asker.insecure
    if rules.subscribe_proxy_enabled:
        return False  # the application decides, and nothing else does
    return _may(rules.allow_subscribe_for_client, asker, anonymous=rules.allow_subscribe_for_anonymous)


def asks_to_subscribe(channel: str, rules: ChannelRules) -> bool:
    """Tell whether the application decides on a subscribe without a token: not where the channel's name does already."""
    limited = rules.allow_user_limited_channels and users_of(channel) is not None
    return rules.subscribe_proxy_enabled and not is_private(channel) and not limited


def may_publish(rules: ChannelRules, asker: Asker) -> bool:
    """Decide on a publish."""
    allowed = rules.allow_publish_for_client or (rules.allow_publish_for_subscriber and asker.subscribed)
    return _may(allowed, asker, anonymous=rules.allow_publish_for_anonymous)


def may_read(rules: ChannelRules, asker: Asker) -> bool:
    """Decide whether the history may be read."""
    allowed = rules.allow_history_for_client or (rules.allow_history_for_subscriber and asker.subscribed)
    return _may(allowed, asker, anonymous=rules.allow_history_for_anonymous)


def may_see(rules: ChannelRules, asker: Asker) -> bool:
    """Decide whether the presence may be asked for."""
    allowed = rules.allow_presence_for_client or (rules.allow_presence_for_subscriber and asker.subscribed)
    return _may(allowed, asker, anonymous=rules.allow_presence_for_anonymous)


def _may(allowed: bool, asker: Asker, *, anonymous: bool) -> bool:
    return (allowed and (bool(asker.user) or anonymous)) or asker.insecure
