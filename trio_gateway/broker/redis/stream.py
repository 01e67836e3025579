"""A feed's bytes are read with one wait and one read.

`trio.SocketStream` tries to read before it waits, and takes a turn of the loop after it has read: on the
feed, where one read brings some ten hints, a tenth of the time of a message.
"""

from __future__ import annotations

import os

import trio

RECEIVE_BYTES = 65_536


class DirectStream(trio.abc.Stream):
    """Read the socket of a `trio.SocketStream` directly; all else is that stream's."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Wait for bytes and read them; b"" at the end.

        Raises trio.BrokenResourceError when the connection is lost, trio.ClosedResourceError after aclose.
        """
        while True:
            fileno = self._stream.socket.fileno()
            if fileno == -1:
                raise trio.ClosedResourceError("this stream was closed here")
            await trio.lowlevel.wait_readable(fileno)
            try:
                return os.read(fileno, max_bytes or RECEIVE_BYTES)
            except BlockingIOError:
                continue
            except OSError as error:
                raise trio.BrokenResourceError("the connection was lost") from error

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Write all of it; raises as `receive_some` does."""
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until there is room to write."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the socket; who waits on it gets trio.ClosedResourceError."""
        await self._stream.aclose()
