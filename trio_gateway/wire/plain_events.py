"""The plain protocol as a stream of events: each `id` is a position, so a browser resumes with no code at all.

It comes back with the `id` of the last event that it got (Last-Event-ID, HTML §9.2.4), and after the
time that the last `retry` told.
"""

from __future__ import annotations

from collections.abc import Sequence

from trio_gateway.model.commands import Command
from trio_gateway.model.presence import Passage
from trio_gateway.model.publication import Gap, Publication
from trio_gateway.model.replies import Connected, Error, Goodbye, Reply
from trio_gateway.wire import plain_replies
from trio_gateway.wire.codec import Codec
from trio_gateway.wire.framing import event, in_one_line, last_event


class PlainEventCodec:
    """Speak the plain protocol in events; all clients share one instance."""

    name = "plain"

    def decode(self, text: bytes) -> Sequence[Command | Error]:  # noqa: ARG002 - a stream goes one way
        """Read nothing: who gets events has nothing to send them with."""
        return ()

    def encode(self, reply: Reply) -> bytes:
        """Write a reply as one event; a greeting has the position where delivery starts, a goodbye the time to come back after."""
        text = in_one_line(plain_replies.encode_reply(reply))
        match reply:
            case Connected(position=position):
                return b"data: %b\nid: %b\n\n" % (text, str(position).encode())
            case Goodbye(reconnect_ms=milliseconds):
                return last_event(text, milliseconds)
        return event(text) if text else b""

    def encode_gap(self, channel: str, gap: Gap) -> bytes:
        """Write a gap as one event, with the position behind it."""
        return b"data: %b\nid: %b:%d\n\n" % (plain_replies.encode_gap(channel, gap), gap.epoch.encode(), gap.offset)

    def encode_passage(self, channel: str, passage: Passage) -> bytes:  # noqa: ARG002 - the protocol has no word for it
        """Write nothing: clients of this protocol are not told who comes and goes."""
        return b""

    def publication_head(self, channel: str, epoch: str) -> bytes:
        """Write the epoch, a line break, and the part of a publication's text that is the same for all of its channel."""
        return epoch.encode() + b"\n" + plain_replies.publication_head(channel)

    def encode_publication(self, head: bytes, publication: Publication) -> bytes:
        """Write a publication as one event, with its position where it has one."""
        epoch, _, text_head = head.partition(b"\n")
        text = in_one_line(plain_replies.encode_publication(text_head, publication))
        if not publication.offset:
            return event(text)
        return b"data: %b\nid: %b:%d\n\n" % (text, epoch, publication.offset)


PLAIN_EVENTS: Codec = PlainEventCodec()
"""The instance that all clients share; mypy checks here that it is a Codec."""
