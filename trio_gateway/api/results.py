"""Each result of the API is one type; what clients index is always there, all else is left out where it is empty."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from trio_gateway.model.directives import NodeStatistics


class ApiError(Struct, omit_defaults=True):
    """Say why there is no result."""

    code: Annotated[int, Meta(description="A number of the table of errors.")]
    message: Annotated[str, Meta(description="Its standard words.")]
    detail: Annotated[str, Meta(description="For people: what was wrong, and what was expected.")] = ""


class Empty(Struct):
    """Say that it was done."""


class PublishResult(Struct, omit_defaults=True):
    """Name the publication's place in the history; empty where none is kept."""

    offset: Annotated[int, Meta(description="Its number in the channel.")] = 0
    epoch: Annotated[str, Meta(description="Names the history that the offset counts in.")] = ""


class PublishResponse(Struct, omit_defaults=True):
    """Tell what became of one channel of a broadcast."""

    result: Annotated[PublishResult | UnsetType, Meta(description="Where it was published.")] = UNSET
    error: Annotated[ApiError | UnsetType, Meta(description="Why it was not.")] = UNSET


class BroadcastResult(Struct):
    """Tell what became of each channel."""

    responses: Annotated[list[PublishResponse], Meta(description="One for each channel, in their order.")]


class ClientInfo(Struct):
    """Describe a client."""

    user: Annotated[str, Meta(description="Its user; empty: it has none.")] = ""
    client: Annotated[str, Meta(description="Its id.")] = ""
    conn_info: Annotated[
        Raw | UnsetType, Meta(description="What others are shown of it in every channel; any JSON.")
    ] = UNSET
    chan_info: Annotated[
        Raw | UnsetType, Meta(description="What others are shown of it in this channel; any JSON.")
    ] = UNSET


class PresenceResult(Struct):
    """List the clients in a channel."""

    presence: Annotated[dict[str, ClientInfo], Meta(description="By the client's id.")]


class PresenceStatsResult(Struct):
    """Count the clients in a channel."""

    num_clients: Annotated[int, Meta(description="How many clients.")]
    num_users: Annotated[int, Meta(description="How many different users; those without a user are one.")]


class HistoryPublication(Struct):
    """Show one publication."""

    data: Annotated[Raw, Meta(description="What was published; any JSON.")]
    offset: Annotated[int, Meta(description="Its number in the channel.")]
    info: Annotated[ClientInfo | UnsetType, Meta(description="The client that published it, where it was one.")] = UNSET
    tags: Annotated[dict[str, str] | UnsetType, Meta(description="Texts that went with the data.")] = UNSET


class HistoryResult(Struct):
    """Show what a channel keeps, and where its history ends."""

    publications: Annotated[list[HistoryPublication], Meta(description="In the order that was asked for.")]
    epoch: Annotated[str, Meta(description="Names the history.")]
    offset: Annotated[int, Meta(description="The newest one that was ever published in it.")]


class ChannelInfo(Struct):
    """Describe a channel."""

    num_clients: Annotated[int, Meta(description="How many are subscribed, on all nodes.")]


class ChannelsResult(Struct):
    """List channels."""

    channels: Annotated[dict[str, ChannelInfo], Meta(description="By name.")]


class InfoResult(Struct):
    """Show all nodes."""

    nodes: Annotated[list[NodeStatistics], Meta(description="Each node that is there; `uptime` is in seconds.")]


class RpcResult(Struct):
    """Hold what a procedure answers."""

    data: Annotated[Raw, Meta(description="Any JSON.")]


class BatchResult(Struct, omit_defaults=True):
    """Tell what became of each command."""

    replies: Annotated[
        list[dict[str, Raw]],
        Meta(description='One for each command, in their order: `{"<method>": <result>}` or `{"error": {…}}`.'),
    ] = []
