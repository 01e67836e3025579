"""The plain protocol as a codec: one JSON object per message, each with a `type`; it keeps no state."""

from __future__ import annotations

from collections.abc import Sequence

from trio_gateway.model.commands import Command
from trio_gateway.model.presence import Passage
from trio_gateway.model.publication import Gap, Publication
from trio_gateway.model.replies import Error, Reply
from trio_gateway.wire import plain_replies
from trio_gateway.wire.codec import Codec
from trio_gateway.wire.frames import text_frame
from trio_gateway.wire.plain_requests import decode_request


class PlainCodec:
    """Speak the plain protocol over WebSocket; all clients share one instance."""

    name = "plain"

    def decode(self, text: bytes) -> Sequence[Command | Error]:
        """Read one message's text (valid UTF-8): its one command, or the Error that says why it can't be read."""
        return (decode_request(text),)

    def encode(self, reply: Reply) -> bytes:
        """Write a reply as one text frame."""
        text = plain_replies.encode_reply(reply)
        return text_frame(text) if text else b""

    def encode_gap(self, channel: str, gap: Gap) -> bytes:
        """Write a gap as one text frame."""
        return text_frame(plain_replies.encode_gap(channel, gap))

    def encode_passage(self, channel: str, passage: Passage) -> bytes:  # noqa: ARG002 - the protocol has no word for it
        """Write nothing: clients of this protocol are not told who comes and goes."""
        return b""

    def publication_head(self, channel: str, epoch: str) -> bytes:  # noqa: ARG002 - clients know it from their position
        """Write the part of a publication's text that is the same for all of its channel."""
        return plain_replies.publication_head(channel)

    def encode_publication(self, head: bytes, publication: Publication) -> bytes:
        """Write a publication as one text frame."""
        return text_frame(plain_replies.encode_publication(head, publication))


PLAIN: Codec = PlainCodec()
"""The instance that all clients share; mypy checks here that it is a Codec."""
