"""Each request of the API is one type: decoding, the OpenAPI document and the page to read are made from it.

A field that may be left out may be null as well: many JSON libraries write what is not set so. JSON that is
passed through stays as it was written. Fields that are not known are ignored.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from trio_gateway.model.position import MAX_OFFSET
from trio_gateway.settings.duration import DAY

LONGEST = 3650 * DAY
"""Seconds; longer is a slip of the keyboard, as it is in the settings."""

MAX_ITEMS = 100_000
"""Of one request: each is answered, so that millions, which are soon written, would take gigabytes."""

Json: TypeAlias = Raw | UnsetType
Offset: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_OFFSET)]
Seconds: TypeAlias = Annotated[int, Meta(ge=0, le=2**53 - 1)]
"""Since 1970."""

Channel: TypeAlias = Annotated[str, Meta(min_length=1, description="The channel's name.")]
User: TypeAlias = Annotated[str | None, Meta(description="Whose clients; empty: those without a user.")]
Client: TypeAlias = Annotated[str | None, Meta(description="Only the client with this id, of that user.")]
Session: TypeAlias = Annotated[
    str | None, Meta(description="Only the client that was told this session, of that user: one over a stream.")
]
B64Data: TypeAlias = Annotated[str | None, Meta(description="The data as base64 of its JSON text; wins over `data`.")]
SkipHistory: TypeAlias = Annotated[
    bool | None, Meta(description="Send it to the clients that are subscribed now, and do not keep it.")
]
Tags: TypeAlias = Annotated[dict[str, str] | None, Meta(description="Texts that go with the data.")]
IdempotencyKey: TypeAlias = Annotated[
    str | None,
    Meta(description="Makes a repetition within 5 minutes harmless: it is published once. At most 128 bytes."),
]
Delta: TypeAlias = Annotated[
    bool | None, Meta(description="Make a delta of it for clients that get such, also where `delta_publish` is off.")
]
VersionNumber: TypeAlias = Annotated[
    Offset | None, Meta(description="Numbers the state that the data carries: an older one is not published.")
]
VersionEpoch: TypeAlias = Annotated[str | None, Meta(description="Versions of different epochs are not compared.")]


class StreamPosition(Struct):
    """Name a place in a channel's history; an empty epoch is any."""

    offset: Annotated[Offset | None, Meta(description="The last publication before it.")] = None
    epoch: Annotated[str | None, Meta(description="Names the history; empty: whichever it is.")] = None


class PublishOptions(Struct, kw_only=True):
    """Hold what `publish` and `broadcast` have in common."""

    data: Annotated[
        Json, Meta(description="Any JSON, sent as it is written here; needed where there is no `b64data`.")
    ] = UNSET
    b64data: B64Data = None
    skip_history: SkipHistory = None
    tags: Tags = None
    idempotency_key: IdempotencyKey = None
    delta: Delta = None
    version: VersionNumber = None
    version_epoch: VersionEpoch = None


class PublishRequest(PublishOptions, kw_only=True):
    """Publish in a channel."""

    channel: Channel


class BroadcastRequest(PublishOptions, kw_only=True):
    """Publish in several channels."""

    channels: Annotated[
        list[str], Meta(min_length=1, max_length=MAX_ITEMS, description="The channels' names, at most 100,000.")
    ]


class BoolValue(Struct):
    """Hold a choice that was made."""

    value: Annotated[bool, Meta(description="Whether it is on.")] = False


class OverrideOptions(Struct):
    """Choose differently from the channel's namespace, for one subscription."""

    presence: Annotated[BoolValue | None, Meta(description="Is shown in the channel's presence.")] = None
    join_leave: Annotated[BoolValue | None, Meta(description="Others are told when it joins and leaves.")] = None
    force_push_join_leave: Annotated[BoolValue | None, Meta(description="Is told when others join and leave.")] = None
    force_recovery: Annotated[BoolValue | None, Meta(description="Recovers what it missed.")] = None
    force_positioning: Annotated[BoolValue | None, Meta(description="Is told its position.")] = None


class SubscribeRequest(Struct, kw_only=True):
    """Subscribe clients to a channel."""

    user: User = None
    channel: Channel
    info: Annotated[Json, Meta(description="What others are shown of the client in this channel; any JSON.")] = UNSET
    b64info: Annotated[str | None, Meta(description="The info as base64 of its JSON text; wins over `info`.")] = None
    client: Client = None
    session: Session = None
    data: Annotated[Json, Meta(description="What the client is told with the subscription; any JSON.")] = UNSET
    b64data: B64Data = None
    expire_at: Annotated[Seconds | None, Meta(description="When it ends, in Unix seconds; 0: never.")] = None
    recover_since: Annotated[StreamPosition | None, Meta(description="Send what was published after it, too.")] = None
    override: Annotated[OverrideOptions | None, Meta(description="Choices in place of the namespace's.")] = None


class UnsubscribeRequest(Struct, kw_only=True):
    """End subscriptions to a channel."""

    user: User = None
    channel: Annotated[str | None, Meta(description="The channel's name; empty: all channels.")] = None
    client: Client = None
    session: Session = None


class DisconnectReason(Struct):
    """Say with what a connection is closed."""

    code: Annotated[int | None, Meta(description="A close code of 3000 to 4999.")] = None
    reason: Annotated[str | None, Meta(description="At most 123 bytes.")] = None


class DisconnectRequest(Struct, kw_only=True):
    """Disconnect clients."""

    user: User = None
    client: Client = None
    session: Session = None
    whitelist: Annotated[list[str] | None, Meta(description="Ids of clients that stay.")] = None
    disconnect: Annotated[DisconnectReason | None, Meta(description="By default 3503, which is terminal.")] = None


class RefreshRequest(Struct, kw_only=True):
    """Give connections another expiry."""

    user: User = None
    client: Client = None
    session: Session = None
    expired: Annotated[bool | None, Meta(description="End them now, as expired (3005).")] = None
    expire_at: Annotated[Seconds | None, Meta(description="When they end, in Unix seconds; 0: never.")] = None
    info: Annotated[Json, Meta(description="What others are shown of the client; any JSON.")] = UNSET


class PresenceRequest(Struct):
    """List who is in a channel."""

    channel: Channel


class PresenceStatsRequest(Struct):
    """Count who is in a channel."""

    channel: Channel


class HistoryRequest(Struct, kw_only=True):
    """Read what a channel keeps."""

    channel: Channel
    limit: Annotated[int | None, Meta(description="How many; 0: only the position, below 0: all.")] = None
    since: Annotated[StreamPosition | None, Meta(description="Begin after this position (`reverse`: before).")] = None
    reverse: Annotated[bool | None, Meta(description="The newest first.")] = None


class HistoryRemoveRequest(Struct):
    """Drop what a channel keeps."""

    channel: Channel


class ChannelsRequest(Struct):
    """List channels."""

    pattern: Annotated[
        str | None, Meta(description="Only those that it matches: `*`, `?`, `[a-c]`, `{a,b}`; empty: all.")
    ] = None


class InfoRequest(Struct):
    """Show all nodes."""


class RpcRequest(Struct, kw_only=True):
    """Call a procedure."""

    method: Annotated[str, Meta(min_length=1, description="Its name.")]
    params: Annotated[Json, Meta(description="Any JSON.")] = UNSET


class BatchRequest(Struct, kw_only=True):
    """Carry out several commands."""

    commands: Annotated[
        Annotated[list[dict[str, Raw]], Meta(max_length=MAX_ITEMS)] | None,
        Meta(description='Each is `{"<method>": {…}}`; any method but batch. At most 100,000.'),
    ] = None
    parallel: Annotated[bool | None, Meta(description="At the same time, and not one after the other.")] = None


UserId: TypeAlias = Annotated[str, Meta(min_length=1, description="The user's id.")]
ForSeconds: TypeAlias = Annotated[float, Meta(gt=0, le=LONGEST, description="For how long, in seconds.")]


class BlockUserRequest(Struct):
    """Refuse a user for a while."""

    user: UserId
    seconds: ForSeconds


class UnblockUserRequest(Struct):
    """Let a user in again."""

    user: UserId


class RevokeUserTokensRequest(Struct):
    """Refuse a user's tokens."""

    user: UserId


class RevokeTokenRequest(Struct):
    """Refuse a token."""

    id: Annotated[str, Meta(min_length=1, description="The token's `jti`.")]
    seconds: ForSeconds
