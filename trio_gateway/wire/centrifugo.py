"""The Centrifugo client protocol v2 in JSON as codecs: commands and replies are lines of text; they keep no state."""

from __future__ import annotations

from collections.abc import Sequence

from trio_gateway.model.commands import Break, Command
from trio_gateway.model.presence import Passage
from trio_gateway.model.publication import Gap, Publication
from trio_gateway.model.replies import Connected, Error, Goodbye, Ping, Reply
from trio_gateway.wire import centrifugo_replies
from trio_gateway.wire.centrifugo_requests import decode_command, decode_connect
from trio_gateway.wire.frames import text_frame
from trio_gateway.wire.framing import Framing, LastFraming


class CentrifugoCodec:
    """Speak the Centrifugo client protocol; all clients of one framing share one instance.

    `version` is told to them. `ends_by_push` is for framings that have no Close frame to say why they end.
    """

    name = "centrifugo"

    def __init__(self, version: str, frame: Framing = text_frame, *, ends_by_push: bool = False) -> None:
        self._version = version
        self._frame = frame
        self._ends_by_push = ends_by_push

    def decode(self, text: bytes) -> Sequence[Command | Error]:
        """Read one message's text (valid UTF-8): one command a line, nothing behind one that breaks the protocol."""
        commands: list[Command | Error] = []
        for line in text.removesuffix(b"\n").split(b"\n"):
            command = decode_command(line)
            commands.append(command)
            if isinstance(command, Break):
                break
        return commands

    def encode(self, reply: Reply) -> bytes:
        """Write a reply as one whole message."""
        if text := centrifugo_replies.encode_answer(reply, self._version):
            return self._frame(text)
        if isinstance(reply, Goodbye):
            return self._push(centrifugo_replies.encode_disconnect(reply)) if self._ends_by_push else b""
        push = centrifugo_replies.encode_push(reply)
        return self._push(push) if push else b""

    def encode_gap(self, channel: str, gap: Gap) -> bytes:  # noqa: ARG002 - the protocol has no word for it
        """Write nothing: who wants to know of gaps has a positioned subscription, and subscribes again."""
        return b""

    def encode_passage(self, channel: str, passage: Passage) -> bytes:
        """Write that a member came or went as one whole message."""
        return self._push(centrifugo_replies.encode_passage(channel, passage))

    def publication_head(self, channel: str, epoch: str) -> bytes:  # noqa: ARG002 - told when the client subscribes
        """Write the part of a publication's text that is the same for all of its channel."""
        return b'{"push":' + centrifugo_replies.publication_head(channel)

    def encode_publication(self, head: bytes, publication: Publication) -> bytes:
        """Write a publication as one whole message."""
        return self._frame(b"%b}" % centrifugo_replies.encode_publication(head, publication))

    def _push(self, push: bytes) -> bytes:
        return self._frame(b'{"push":%b}' % push)


class UnidirectionalCodec:
    """Speak to clients that send one request to connect and nothing else, in bare pushes (protocol §12).

    `frame_last` is for framings whose last message also says when to come back.
    """

    name = "centrifugo"

    def __init__(self, version: str, frame: Framing, frame_last: LastFraming | None = None) -> None:
        self._version = version
        self._frame = frame
        self._frame_last = frame_last

    def decode(self, text: bytes) -> Sequence[Command | Error]:
        """Read the request to connect."""
        return (decode_connect(text),)

    def encode(self, reply: Reply) -> bytes:
        """Write a reply as one whole message; what would answer a command is not said."""
        text = self._text(reply)
        if isinstance(reply, Goodbye) and self._frame_last is not None:
            return self._frame_last(text, reply.reconnect_ms)
        return self._frame(text) if text else b""

    def encode_gap(self, channel: str, gap: Gap) -> bytes:  # noqa: ARG002 - as above
        """Write nothing."""
        return b""

    def encode_passage(self, channel: str, passage: Passage) -> bytes:
        """Write that a member came or went as one whole message."""
        return self._frame(centrifugo_replies.encode_passage(channel, passage))

    def publication_head(self, channel: str, epoch: str) -> bytes:  # noqa: ARG002 - as above
        """Write the part of a publication's text that is the same for all of its channel."""
        return centrifugo_replies.publication_head(channel)

    def encode_publication(self, head: bytes, publication: Publication) -> bytes:
        """Write a publication as one whole message."""
        return self._frame(centrifugo_replies.encode_publication(head, publication))

    def _text(self, reply: Reply) -> bytes:
        match reply:
            case Connected():
                return centrifugo_replies.encode_connect_push(reply, self._version)
            case Goodbye():
                return centrifugo_replies.encode_disconnect(reply)
            case Ping():
                return centrifugo_replies.PING
        return centrifugo_replies.encode_push(reply)
