"""The publisher: a process that stamps messages with the monotonic time and sends them at a steady rate.

    python -m bench.publish gateway SOCKET CHANNEL|users:N RATE SECONDS
    python -m bench.publish floor   SOCKET CHANNEL|users:N RATE SECONDS

To the gateway each message is one FCALL, pipelined on Valkey's Unix socket; to the floor it is the
finished text of the frame that the gateway would send, so that both write frames of one size.
Prints how many were sent.
"""

from __future__ import annotations

import itertools
import socket
import sys
import time
from collections.abc import Callable, Iterator

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


def make_writer(kind: str, channel: str) -> Callable[[], bytes]:
    """Make the function that writes the next message's bytes."""
    names = targets(channel)
    if kind == "gateway":
        return lambda: gateway_message(next(names)[0])
    offsets = itertools.count(1)

    def write() -> bytes:
        name, user = next(names)
        return floor_message(name, next(offsets), user)

    return write


def answers(link: socket.socket) -> bytes:
    """Read what has been answered so far, without waiting; raises RuntimeError when it is an error."""
    try:
        answered = link.recv(1 << 20, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return b""
    if answered.startswith(b"-") or b"\r\n-" in answered:
        raise RuntimeError(answered.decode())
    return answered


def run(link: socket.socket, write: Callable[[], bytes], rate: int, seconds: float) -> str:
    """Send at a steady rate: at every tick, all that is due by then."""
    begin = time.monotonic()
    total, sent = int(rate * seconds), 0
    while sent < total:
        due = min(total, int((time.monotonic() - begin) * rate) + 1)
        link.sendall(b"".join(write() for _ in range(due - sent)))
        sent = due
        answers(link)
        time.sleep(max(TICK, 0.5 / rate))
    return f"sent {sent} in {time.monotonic() - begin:.2f} s"


def main() -> None:
    """Publish as the command line says."""
    kind, path, channel, rate, seconds = sys.argv[1:]
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(path)
        print(run(link, make_writer(kind, channel), int(rate), float(seconds)))


if __name__ == "__main__":
    main()
