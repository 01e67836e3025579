"""A codec is one wire protocol in one framing: text to commands, replies and pushes to whole messages, without I/O.

The same bytes serve every client of one codec: a publication is encoded once, however many get it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from trio_gateway.model.commands import Command
from trio_gateway.model.presence import Passage
from trio_gateway.model.publication import Gap, Publication
from trio_gateway.model.replies import Error, Reply


class Codec(Protocol):
    """Turn one wire protocol's text into commands and back; holds no state of any client.

    `name` is the protocol's, whatever the framing. What a protocol has no words for is written as b"",
    and nothing is sent.
    """

    name: str

    def decode(self, text: bytes) -> Sequence[Command | Error]:
        """Read one message's text (valid UTF-8): its commands in order, an Error for each one that can't be read.

        A Break comes last.
        """

    def encode(self, reply: Reply) -> bytes:
        """Write a reply as one whole message."""

    def encode_gap(self, channel: str, gap: Gap) -> bytes:
        """Write a gap as one whole message."""

    def encode_passage(self, channel: str, passage: Passage) -> bytes:
        """Write that a member came or went as one whole message."""

    def publication_head(self, channel: str, epoch: str) -> bytes:
        """Write what is the same for every publication of a channel in an epoch: made once, for `encode_publication`."""

    def encode_publication(self, head: bytes, publication: Publication) -> bytes:
        """Write a publication as one whole message; `head` is its channel's `publication_head`."""
