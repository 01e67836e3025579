"""The Centrifugo client protocol v2 in JSON as a codec: commands and replies are lines of text; it keeps no state."""

from __future__ import annotations

from collections.abc import Sequence

from trio_gateway.model.commands import Break, Command
from trio_gateway.model.presence import Passage
from trio_gateway.model.publication import Gap
from trio_gateway.model.replies import Error, Reply
from trio_gateway.wire import centrifugo_replies
from trio_gateway.wire.centrifugo_requests import decode_command


class CentrifugoCodec:
    """Speak the Centrifugo client protocol; all clients share one instance. `version` is told to them."""

    name = "centrifugo"

    def __init__(self, version: str) -> None:
        self._version = version

    def decode(self, text: bytes) -> Sequence[Command | Error]:
        """Read one text frame's payload (valid UTF-8): one command a line, nothing behind one that breaks the protocol."""
        commands: list[Command | Error] = []
        for line in text.removesuffix(b"\n").split(b"\n"):
            command = decode_command(line)
            commands.append(command)
            if isinstance(command, Break):
                break
        return commands

    def encode(self, reply: Reply) -> bytes:
        """Write a reply as one whole WebSocket frame."""
        return centrifugo_replies.encode_reply(reply, self._version)

    def encode_gap(self, channel: str, gap: Gap) -> bytes:  # noqa: ARG002 - the protocol has no word for it
        """Write nothing: who wants to know of gaps has a positioned subscription, and subscribes again."""
        return b""

    def encode_passage(self, channel: str, passage: Passage) -> bytes:
        """Write that a member came or went as one whole WebSocket frame."""
        return centrifugo_replies.encode_passage(channel, passage)

    def publication_head(self, channel: str) -> bytes:
        """Write the part of a publication's text that is the same for all of its channel."""
        return centrifugo_replies.publication_head(channel)

    encode_publication = staticmethod(centrifugo_replies.encode_publication)
