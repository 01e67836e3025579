"""The nodes that hold the clients are reached through this seam: what the API asks of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from trio_gateway.model.directives import AnyDirective, NodeStatistics


class Control(Protocol):
    """Have every node do something, or ask every node.

    Every method raises BrokerUnavailable when the nodes were not reached in time: whether it was done is
    unknown then, and it may be repeated.
    """

    async def tell(self, directive: AnyDirective) -> None:
        """Have every node carry out a directive; returns when it can't be lost any more."""

    async def forget(self, channel: str) -> None:
        """Have every node give up what it has in memory of a channel whose history was removed."""

    async def channels(self, pattern: str) -> Mapping[str, int]:
        """Count the subscribers, on all nodes, of each channel that has some and that the glob `pattern` matches."""

    async def nodes(self) -> Sequence[NodeStatistics]:
        """Show every node that is there."""

    async def block_user(self, user: str, seconds: float) -> None:
        """Disconnect a user (3503), and refuse them on every node for so long."""

    async def unblock_user(self, user: str) -> None:
        """Let a user in again; one that was not blocked changes nothing."""

    async def revoke_user_tokens(self, user: str) -> None:
        """Refuse the tokens of a user that were issued before now, and disconnect who came with one."""

    async def revoke_token(self, id: str, seconds: float) -> None:
        """Refuse the token with this id (its `jti`) for so long, and disconnect who came with it."""
