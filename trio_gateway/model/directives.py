"""What nodes ask of each other: above all a directive, to do something to the clients of one user.

All of it travels as JSON through the control channel, so these are msgspec's structs; a node that does
not know one (of a newer release) leaves it alone. `client` narrows a directive to one connection of
the user, and so does `session`, which only streams have; empty: all of them. The user "" is all who are anonymous.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, TypeAlias

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

UnixSeconds: TypeAlias = Annotated[int, Meta(ge=0, le=2**53 - 1)]
CloseCode: TypeAlias = Annotated[int, Meta(ge=3000, le=4999)]
"""Whoever may publish in the store can write a directive, and a number past its range would break what obeys it."""


class Override(Struct, frozen=True, omit_defaults=True):
    """Replace options of a namespace for one subscription; None leaves the namespace's own."""

    presence: bool | None = None
    join_leave: bool | None = None
    force_push_join_leave: bool | None = None
    force_recovery: bool | None = None
    force_positioning: bool | None = None


class Directive(Struct, frozen=True, omit_defaults=True, tag_field="do", kw_only=True):
    """Name the user, and perhaps the one client, whom it is about."""

    user: str
    client: str = ""
    session: str = ""


class SubscribeUser(Directive, frozen=True, omit_defaults=True, tag="subscribe", kw_only=True):
    """Subscribe the clients to a channel from the server's side.

    `info` (their chan_info) and `data` (what they are told) are JSON. `expire_at` is Unix seconds, 0 for
    never. `since` is `<epoch>:<offset>`, empty for the end.
    """

    channel: str
    info: Raw | UnsetType = UNSET
    data: Raw | UnsetType = UNSET
    expire_at: UnixSeconds = 0
    since: str = ""
    override: Override = Override()


class UnsubscribeUser(Directive, frozen=True, omit_defaults=True, tag="unsubscribe", kw_only=True):
    """End the clients' subscriptions to a channel, whoever made them; "" for all channels."""

    channel: str


class DisconnectUser(Directive, frozen=True, omit_defaults=True, tag="disconnect", kw_only=True):
    """Disconnect the clients, but those in `keep` (client ids)."""

    code: CloseCode
    reason: str
    keep: Sequence[str] = ()


class RefreshUser(Directive, frozen=True, omit_defaults=True, tag="refresh", kw_only=True):
    """Give the clients' connections another expiry (Unix seconds, 0 for none), or end them as `expired`."""

    expire_at: UnixSeconds = 0
    expired: bool = False
    info: Raw | UnsetType = UNSET


class NodeStatistics(Struct, frozen=True):
    """Show one node: `uptime` is seconds, `subscriptions` those of all its clients together."""

    uid: str
    name: str
    version: str
    num_clients: int
    num_users: int
    num_subs: int
    num_channels: int
    uptime: int


AnyDirective = SubscribeUser | UnsubscribeUser | DisconnectUser | RefreshUser


class KeepOut(Struct, frozen=True, tag_field="do", tag="keep_out"):
    """Take a mark of who is kept out (see `gateway/admission/bans.py`), which is in the store already, and act on it."""

    name: str
    mark: str


class Forget(Struct, frozen=True, tag_field="do", tag="forget"):
    """Give up what is in memory of a channel, of which the store keeps nothing any more."""

    channel: str


class Survey(Struct, frozen=True, omit_defaults=True, tag_field="do", tag="survey"):
    """Ask every node about itself, or for its channels that match a glob; answers go to the node `asker`."""

    id: str
    asker: str
    channels: str | None = None


class SurveyAnswer(Struct, frozen=True, omit_defaults=True):
    """Answer a survey, or a part of it: `more` tells that another part follows."""

    id: str
    node: str
    statistics: NodeStatistics | None = None
    channels: Mapping[str, int] = {}
    more: bool = False
