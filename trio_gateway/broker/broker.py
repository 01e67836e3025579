"""The broker is the seam to the store: what every implementation promises, and nothing of how.

Streams are the truth, hints are fast news. A hint may be lost, doubled or late; what is stored may
not. `tests/contract/` holds every promise of this page over every implementation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import attrs
import msgspec
import trio

from trio_gateway.model.errors import BrokerUnavailable, RequestError
from trio_gateway.model.position import Position
from trio_gateway.model.presence import Member, Passage, PresenceStatistics
from trio_gateway.model.publication import Publication
from trio_gateway.model.recovery import Stored

BACK_END = ""
"""The sender of everything that no client sent: all back ends together are one sender."""


class Hint(msgspec.Struct, frozen=True, gc=False):
    """Tell that a publication was stored, or that a member came or went: the fast news of it.

    Where both `publication` and `passage` are None the hint could not be read, which means: read the
    stream. A struct for the same reason as Publication.
    """

    channel: str
    epoch: str
    publication: Publication | None
    passage: Passage | None = None


@attrs.frozen
class Attachment:
    """Answer an attach: the channel's epoch and top, and where the device's cursor stands.

    `cursor` is None where no device was named.
    """

    epoch: str
    top: int
    cursor: Position | None = None


@attrs.frozen
class Ack:
    """Say that a device of an inbox has everything up to and including `position`."""

    channel: str
    device: str
    position: Position


@attrs.frozen
class Draft:
    """Hold one publication that is to be stored; the fields are as in Broker.publish."""

    channel: str
    data: bytes
    id: str = ""
    sender: str = BACK_END
    info: bytes = b""


@attrs.frozen
class Leave:
    """Say that a client is no longer in a channel."""

    channel: str
    client: str


@attrs.frozen
class Renewal:
    """Say that clients are still in a channel."""

    channel: str
    clients: Sequence[str]


@attrs.frozen
class Version:
    """Number the state that a publication carries, so that an older one does not follow a newer one.

    `number` is from 1 to 2**53-1; numbers of different `epoch` are not compared, and an empty epoch is compared with all.
    """

    number: int
    epoch: str = ""


@attrs.frozen
class BrokerHealth:
    """Show how the broker stands.

    `reasons` are why it can't be used, in words for the operator; empty means ready. `round_trip` is
    seconds for the last probe's publish and its way back through the feed, None before the first.
    `feed_age` is seconds since the feed last brought anything, None before the first.
    """

    reasons: tuple[str, ...]
    round_trip: float | None
    feed_age: float | None


class Listener(Protocol):
    """Take what the feed brings. The broker calls one method at a time and waits for it.

    Neither may wait for `follow`: its confirmation comes by the same feed, which waits for them.
    """

    async def take_hints(self, hints: Sequence[Hint]) -> None:
        """Take the hints that arrived in one read of the feed, in the order of arrival."""

    async def take_feed_resumed(self) -> None:
        """Learn that the feed was away and all followed channels are followed again: hints may be missing.

        Also said where hints had to be dropped. Every topic reads the store from its top.
        """


class Broker(Protocol):
    """Store publications, tell of them, and keep device cursors.

    Every method that speaks to the store raises BrokerUnavailable when it did not answer in time:
    the outcome is unknown then. A RequestError means that nothing happened.
    """

    async def serve(self, listener: Listener, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run until cancelled; reports as started at once, also where the store is away."""

    async def publish(
        self,
        channel: str,
        data: bytes,
        *,
        id: str = "",
        sender: str = BACK_END,
        info: bytes = b"",
        tags: bytes = b"",
        skip_history: bool = False,
        version: Version | None = None,
        delta: bool = False,
    ) -> Position:
        """Store a publication, then tell of it; takes effect once per (channel, sender, id) in 5 minutes.

        `data` is JSON text in UTF-8, `info` and `tags` are JSON objects or empty. Answers the first one's
        position when the id was seen before, and `Position("", 0)` where the channel keeps no history.
        Offsets strictly increase and are never used twice in one epoch, whatever the store lost.

        With `skip_history` it is told and not kept, as in a channel without history. Where the channel keeps
        history and a `version` is given that is not larger than the last one stored (of the same epoch, or
        one of the two epochs is empty), nothing happens and the present top is answered. `delta` asks for a delta
        to be made of it, for those clients that get such.

        Raises InvalidChannel, UnknownChannel, InvalidData, InvalidId or PublicationTooLarge, and nothing is stored;
        raises BrokerUnavailable when the outcome is unknown.
        """

    async def publish_all(self, drafts: Sequence[Draft]) -> Sequence[Position | RequestError | BrokerUnavailable]:
        """Publish several (at least one) in their order, at once; answers each one's position, or the error that it met.

        As `publish` for each of them, but that its errors are answered.
        """

    async def read(self, channel: str, after: int, limit: int) -> Stored:
        """Read up to `limit` kept publications after the offset `after`, oldest first, with epoch and top, at one moment.

        Bounded in bytes as well, but answers at least one publication where one is kept after it.
        Never creates the channel: an unknown one answers `Stored("", 0, ())`.
        """

    async def read_back(self, channel: str, before: int, limit: int) -> Stored:
        """Read up to `limit` kept publications before the offset `before`, newest first; 0: from the newest one on.

        Bounded in bytes, and otherwise as `read` is.
        """

    async def remove_history(self, channel: str) -> None:
        """Drop what a channel keeps; its epoch and top stay, so that offsets go on. Raises as `read` does."""

    async def attach(self, channel: str, *, device: str = "", since: Position | None = None) -> Attachment:
        """Make sure that the channel has an epoch, and a device its cursor.

        A device seen for the first time gets its cursor at the top, or at `since` (START: before all
        that is kept; clamped to the top; another epoch's counts as START) before this returns. At most
        `max_devices` are kept per inbox: the longest unused goes. Renews expiries. A known device keeps its
        cursor whatever `since` says; its epoch is another than the channel's where the store lost the latter.
        A channel without history answers `Attachment("", 0)`, and START as the cursor. One that is no inbox,
        and in which nothing was published yet, is remembered for 10 minutes only.

        Raises InvalidChannel, UnknownChannel, or BadRequest for a device of another form.
        """

    async def acknowledge(self, acks: Sequence[Ack]) -> None:
        """Move device cursors, each only in the channel's own epoch and never back; never creates a channel.

        An ack that can't be taken is dropped; raises BrokerUnavailable when the outcome of any is unknown:
        all may be sent again.
        """

    async def join(self, channel: str, member: Member, *, ttl: float, limit: int = 0) -> bool:
        """Put a member into a channel for `ttl` seconds, or renew it; False where `limit` others are there (0: no limit).

        A new member is told to those who follow the channel where `member.told` says so, once. A member whose
        time ran out is removed, and told as leaving, by whichever call of this group comes next. Needs no
        history and works in every channel.
        """

    async def renew(self, renewals: Sequence[Renewal], *, ttl: float) -> Sequence[Sequence[str]]:
        """Renew members for `ttl` seconds; answers, for each renewal, the clients that are not there (any more)."""

    async def leave(self, leaves: Sequence[Leave]) -> None:
        """Remove members, and tell of those that were there and are told; others change nothing.

        Raises BrokerUnavailable when the outcome of any is unknown: all may be sent again.
        """

    async def presence(self, channel: str) -> Mapping[str, Member]:
        """List the members of a channel by client."""

    async def presence_statistics(self, channel: str) -> PresenceStatistics:
        """Count the members of a channel without reading them."""

    async def put_mark(self, name: str, value: bytes, *, ttl: float) -> None:
        """Keep a small fact for `ttl` seconds, for every node to read: that a user is blocked, or a token revoked.

        It replaces a mark of the same name; a `ttl` of 0 removes it. Names are up to 512 bytes, values up to 512.
        """

    async def marks(self) -> Mapping[str, bytes]:
        """Read all marks whose time has not run out."""

    async def follow(self, channel: str) -> None:
        """Follow a channel: hints of everything published after this returned are taken by the listener.

        A followed channel stays followed over reconnects. Raises BrokerUnavailable when that was not
        confirmed in time: the channel is not followed then.
        """

    def unfollow_nowait(self, channel: str) -> None:
        """Stop following a channel; hints may still arrive for a moment."""

    def health(self) -> BrokerHealth:
        """Show how the broker stands now."""
