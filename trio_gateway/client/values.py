"""What an inbox hands out: messages, and gaps where messages are missing."""

from __future__ import annotations

from typing import Any

import attrs

from trio_gateway.model.position import Position


@attrs.frozen
class ReceivedMessage:
    """Carry one message of the inbox or of a subscribed channel.

    `data` is the decoded JSON. `time` is Unix milliseconds of publishing. `sender` is the user who
    sent it, empty where a back end published it; `id` is the publisher's own, empty where it gave none.
    `position` is the place after this message; `Position("", 0)` where the channel keeps no history.
    """

    channel: str
    offset: int
    data: Any
    time: int
    id: str
    sender: str
    position: Position


@attrs.frozen
class ReceivedGap:
    """Announce messages that existed and can no longer be had: fetch the state elsewhere.

    `first` and `last` are the missing offsets, both included; both None where the store lost the
    channel's history and nobody knows what is missing. `position` is the place after the gap.
    """

    channel: str
    first: int | None
    last: int | None
    position: Position


Received = ReceivedMessage | ReceivedGap
