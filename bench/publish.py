"""The publisher: a process that stamps messages with the monotonic time and sends them at a steady rate.

    python -m bench.publish gateway SOCKET CHANNEL|users:N RATE SECONDS
    python -m bench.publish floor   SOCKET CHANNEL|users:N RATE SECONDS

To the gateway each message is one FCALL, pipelined on Valkey's Unix socket; to the floor it is the
finished text of the frame that the gateway would send, so that both write frames of one size.
Ends when the last message has been answered: what is left unread at a closed socket, Valkey would not do.
"""

from __future__ import annotations

import itertools
import socket
import sys
import time
from collections.abc import Callable, Iterator

import attrs
import hiredis

TICK = 0.001
"""Seconds between two writes: at 10,000 messages/s ten leave together, as they would from busy back ends."""

DATA = 100
"""Bytes of one message."""


def stamped() -> bytes:
    """Make the data of one message: JSON of 100 bytes with the time of its making, as the load client expects."""
    head = b'{"T":%.6f,"pad":"' % time.monotonic()
    return head + b"x" * (DATA - len(head) - 2) + b'"}'


def gateway_message(channel: bytes) -> bytes:
    """Write the FCALL that publishes one message into a channel, as a back end in any language would."""
    slot = b"tg:{" + channel + b"}"
    words = [b"FCALL", b"tg1_publish", b"2", slot + b":m", slot + b":s", stamped()]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def floor_message(channel: bytes, offset: int, user: int) -> bytes:
    """Write one message of the floor's feed: the target, the length and the text."""
    text = b'{"type":"message","channel":"%b","offset":%d,"data":%b,"time":%d}' % (
        channel,
        offset,
        stamped(),
        int(time.time() * 1000),
    )
    return user.to_bytes(4, sys.byteorder, signed=True) + len(text).to_bytes(4, sys.byteorder) + text


def targets(channel: str) -> Iterator[tuple[bytes, int]]:
    """Name each next message's channel and user: one channel for ever, or the inboxes of N users in turn."""
    if not channel.startswith("users:"):
        return itertools.repeat((channel.encode(), -1))
    return itertools.cycle([(b"#%d" % user, user) for user in range(int(channel[6:]))])


@attrs.frozen
class Writer:
    """Make the bytes of each next message; `is_answered` tells whether the server answers each."""

    write: Callable[[], bytes]
    is_answered: bool


def make_writer(kind: str, channel: str) -> Writer:
    """Make the writer for the gateway or for the floor."""
    names, offsets = targets(channel), itertools.count(1)

    def write_to_floor() -> bytes:
        name, user = next(names)
        return floor_message(name, next(offsets), user)

    if kind == "gateway":
        return Writer(lambda: gateway_message(next(names)[0]), is_answered=True)
    return Writer(write_to_floor, is_answered=False)


class Answers:
    """Count what the server has answered; the floor answers nothing."""

    def __init__(self, link: socket.socket) -> None:
        self.link = link
        self.reader = hiredis.Reader()
        self.count = 0

    def take(self, *, wait: bool) -> None:
        """Read what there is, or wait for more; raises hiredis.ReplyError when an answer is an error."""
        try:
            self.reader.feed(self.link.recv(1 << 20, 0 if wait else socket.MSG_DONTWAIT))
        except BlockingIOError:
            return
        while (answer := self.reader.gets()) is not False:
            if isinstance(answer, hiredis.ReplyError):
                raise answer
            self.count += 1


def run(link: socket.socket, writer: Writer, rate: int, seconds: float) -> None:
    """Send at a steady rate: at every tick, all that is due by then."""
    begin = time.monotonic()
    total, sent, answers = int(rate * seconds), 0, Answers(link)
    while sent < total:
        due = min(total, int((time.monotonic() - begin) * rate) + 1)
        link.sendall(b"".join(writer.write() for _ in range(due - sent)))
        sent = due
        answers.take(wait=False)
        time.sleep(max(TICK, 0.5 / rate))
    if writer.is_answered:
        while answers.count < total:
            answers.take(wait=True)


def main() -> None:
    """Publish as the command line says."""
    kind, path, channel, rate, seconds = sys.argv[1:]
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(path)
        run(link, make_writer(kind, channel), int(rate), float(seconds))


if __name__ == "__main__":
    main()
