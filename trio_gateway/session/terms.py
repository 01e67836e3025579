"""Terms are what one subscription is granted: by its namespace, by what the client asked for, by who made it."""

from __future__ import annotations

import attrs

from trio_gateway.model.directives import Override
from trio_gateway.model.tags_filter import TagsFilter
from trio_gateway.settings.namespaces import ChannelRules, InboxRules


@attrs.frozen(kw_only=True)
class Terms:
    """Say what a subscription is granted.

    A `positioned` one is told its position, and begins anew when publications are missing; a
    `recoverable` one may ask for those, or, where `latest` says so, for the latest publication alone, which it is
    brought without asking where it `recovers_always`. With `delta` it gets deltas in place of whole data, with a `filter`
    only what that matches. `present` says whether the client is in the channel's presence,
    `told` whether others are told so, `watches` whether it is told of others. `info` is its ClientInfo
    (a JSON object), `data` (JSON text) is for its application. It ends at `expire_at` (Unix seconds), 0
    for never, unless it is prolonged: by the application where it is `refreshed_by_server`, else by a
    new token. `by_server` says who made it: the client did not, and can't do without it.
    """

    positioned: bool = False
    recoverable: bool = False
    latest: bool = False
    recovers_always: bool = False
    delta: bool = False
    filter: TagsFilter | None = None
    present: bool = False
    told: bool = False
    watches: bool = False
    info: bytes = b""
    data: bytes = b""
    expire_at: float = 0
    by_server: bool = False
    refreshed_by_server: bool = False


@attrs.frozen(kw_only=True)
class Wishes:
    """Say what a client asked for, of what its rights allow."""

    positioned: bool = False
    recoverable: bool = False
    watches: bool = False
    delta: bool = False
    filter: TagsFilter | None = None


NO_WISHES = Wishes()


def channel_terms(rules: ChannelRules, override: Override, wishes: Wishes = NO_WISHES, **more: object) -> Terms:
    """Find the terms of a channel; `override` comes from a token or a back end, `more` are further fields of Terms."""
    keeps = bool(rules.history.size)
    recoverable = keeps and (_chosen(override.force_recovery, rules.force_recovery) or wishes.recoverable)
    return Terms(
        recoverable=recoverable,
        latest=recoverable and rules.force_recovery_mode == "cache",
        recovers_always=recoverable and rules.auto_cache_recover,
        delta=wishes.delta,
        filter=wishes.filter,
        positioned=recoverable
        or (keeps and (_chosen(override.force_positioning, rules.force_positioning) or wishes.positioned)),
        present=_chosen(override.presence, rules.presence),
        told=_chosen(override.join_leave, rules.join_leave),
        watches=_chosen(override.force_push_join_leave, rules.force_push_join_leave) or wishes.watches,
        refreshed_by_server=rules.sub_refresh_proxy_enabled,
        **more,  # type: ignore[arg-type]  # fields of Terms by name
    )


def inbox_terms(rules: InboxRules, info: bytes) -> Terms:
    """Find the terms of a client's own inbox, which it has from the server's side."""
    keeps = bool(rules.history.size)
    return Terms(
        recoverable=keeps,
        positioned=keeps,
        present=rules.presence,
        told=rules.join_leave,
        watches=rules.join_leave,
        info=info,
        by_server=True,
    )


def _chosen(override: bool | None, own: bool) -> bool:
    return own if override is None else override
