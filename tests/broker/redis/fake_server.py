"""A Redis made up for one test, at the other end of a memory stream: it says what the test tells it to."""

from __future__ import annotations

from collections.abc import Callable

import hiredis
import trio
import trio.testing

HELLO = b"%3\r\n$7\r\nversion\r\n$5\r\n9.1.0\r\n$5\r\nproto\r\n:3\r\n$4\r\nrole\r\n$6\r\nmaster\r\n"
Answer = Callable[[list[bytes]], bytes]


def bulk(text: bytes) -> bytes:
    """Write a RESP bulk string."""
    return b"$%d\r\n%s\r\n" % (len(text), text)


INFO = bulk(b"# Memory\r\nmaxmemory_policy:noeviction\r\n")


def push(*parts: bytes | int) -> bytes:
    """Write a RESP3 push."""
    return b">%d\r\n" % len(parts) + b"".join(
        b":%d\r\n" % part if isinstance(part, int) else b"$%d\r\n%s\r\n" % (len(part), part) for part in parts
    )


def confirmations(command: list[bytes]) -> bytes:
    """Confirm each name of a SUBSCRIBE or UNSUBSCRIBE."""
    return b"".join(push(command[0].lower(), name, 1) for name in command[1:])


def usual(command: list[bytes]) -> bytes:
    """Answer what every connection says first, subscriptions, and `+OK` to everything else."""
    match command[0]:
        case b"HELLO":
            return HELLO
        case b"INFO":
            return INFO
        case b"SUBSCRIBE" | b"UNSUBSCRIBE":
            return confirmations(command)
        case _:
            return b"+OK\r\n"


class FakeServer:
    """Accept connections through `open_stream`, note their commands, and answer them by `answer`."""

    def __init__(self, nursery: trio.Nursery, answer: Answer = usual) -> None:
        self.answer = answer
        self.commands: list[list[bytes]] = []
        self.streams: list[trio.StapledStream] = []
        self.feed: trio.StapledStream | None = None  # the connection that subscribed last
        self.refusing = False
        self._nursery = nursery

    async def open_stream(self) -> trio.abc.Stream:
        if self.refusing:
            raise ConnectionRefusedError("connection refused")
        client, server = trio.testing.memory_stream_pair()
        self.streams.append(server)
        self._nursery.start_soon(self._serve, server)
        return client

    def names(self) -> list[bytes]:
        """Name the commands that came."""
        return [command[0] for command in self.commands]

    async def send(self, data: bytes) -> None:
        """Say something on the newest connection."""
        await self.streams[-1].send_all(data)

    async def drop(self) -> None:
        """Close the newest connection."""
        await self.streams[-1].aclose()

    async def _serve(self, stream) -> None:
        reader = hiredis.Reader()
        try:
            while data := await stream.receive_some(65536):
                reader.feed(bytes(data))
                while (command := reader.gets()) is not False:
                    self.commands.append(command)
                    if command[0] == b"SUBSCRIBE":
                        self.feed = stream
                    if answer := self.answer(command):
                        await stream.send_all(answer)
        except (trio.ClosedResourceError, trio.BrokenResourceError):
            return
