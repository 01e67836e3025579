"""A codec is one wire protocol: text to commands, replies and pushes to WebSocket frames, without I/O.

Server frames are unmasked (RFC 6455 §5.1) and no extension is negotiated, so the same bytes serve
every client of one codec: a publication is encoded once, however many get it.
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

    What a protocol has no words for is written as b"", and nothing is sent.
    """

    name: str

    def decode(self, text: bytes) -> Sequence[Command | Error]:
        """Read one text frame's payload (valid UTF-8): its commands in order, an Error for each one that can't be read.

        A Break comes last.
        """

    def encode(self, reply: Reply) -> bytes:
        """Write a reply as one whole WebSocket frame."""

    def encode_gap(self, channel: str, gap: Gap) -> bytes:
        """Write a gap as one whole WebSocket frame."""

    def encode_passage(self, channel: str, passage: Passage) -> bytes:
        """Write that a member came or went as one whole WebSocket frame."""

    def publication_head(self, channel: str) -> bytes:
        """Write what is the same for every publication of a channel: made once, for `encode_publication`."""

    def encode_publication(self, head: bytes, publication: Publication) -> bytes:
        """Write a publication as one whole WebSocket frame; `head` is its channel's `publication_head`."""
