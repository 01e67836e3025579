"""One door to each client's socket: whole frames go out in order, and a write that stalls ends the connection.

Writers that may wait queue up at a fair lock; the hub's writes never wait. Only the rest of what was
half-written is kept, by reference: at most one frame of the hub's, or one page of the writer task's.
"""

from __future__ import annotations

import socket
import struct
import sys
from bisect import bisect_left
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import accumulate
from os import write

import trio

RECEIVE_SIZE = 65_536
"""Bytes of one read: what many small frames in a row fill, and one client may take of the loop's time."""

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER with zero seconds: close() sends RST and drops what is unsent (socket(7))."""


class WriteStalled(trio.ClosedResourceError):
    """Tell that the peer did not read for too long, and the connection was aborted."""


class ClientSocket:
    """Read and write one client's raw non-blocking socket.

    `write_seconds` is how long a write may stall before the connection is aborted; `wake` is called
    when something half-written waits for somebody who can wait.

    It writes by the descriptor's number, which takes less of a fan-out's time than `socket.send`. After close the
    number may be another's: so nobody writes who has not asked `_busy` or `closed` in the same step.
    """

    __slots__ = ("_busy", "_lock", "_recv", "_rest", "_sock", "_wake", "_write_seconds", "closed", "fileno")

    def __init__(self, sock: socket.socket, *, write_seconds: float, wake: Callable[[], None]) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._recv = sock.recv
        self._lock = trio.StrictFIFOLock()
        self._busy = False
        self._rest: memoryview | None = None
        self._write_seconds = write_seconds
        self._wake = wake
        self.fileno = sock.fileno()
        self.closed = False

    @property
    def half_written(self) -> bool:
        """Tell whether the rest of a frame waits to go out."""
        return self._rest is not None

    async def receive(self) -> bytes:
        """Wait for bytes and read them; b"" when the peer ends its side.

        Raises OSError when the connection is lost, trio.ClosedResourceError after close or abort.
        Always gives way once: a client that never pauses gets one read per turn of the loop.
        """
        while True:
            if self.closed:
                raise trio.ClosedResourceError("this connection was closed here")
            await trio.lowlevel.wait_readable(self.fileno)
            try:
                return self._recv(RECEIVE_SIZE)
            except BlockingIOError:
                continue

    def send_nowait(self, joined: bytes, frames: Sequence[bytes]) -> int:
        """Write frames as far as the socket takes them; `joined` is their concatenation.

        Answers the number of frames of which a byte went out. The rest of the last one is kept and
        goes out before anything else.
        """
        if self._busy:
            return 0
        try:
            sent = write(self.fileno, joined)
        except BlockingIOError:
            self._wake()
            return 0
        except OSError:
            self.abort()
            return 0
        return len(frames) if sent == len(joined) else self._keep_rest(frames, sent)

    def _keep_rest(self, frames: Sequence[bytes], sent: int) -> int:
        """Keep what is missing of the frame that was cut; answers the number of frames begun."""
        ends = list(accumulate(map(len, frames)))
        cut = bisect_left(ends, sent)
        if sent < ends[cut]:
            self._rest = memoryview(frames[cut])[sent - ends[cut] :]
            self._busy = True
            self._wake()
        return cut + 1

    async def send(self, data: bytes) -> None:
        """Write all of `data` (whole frames), after everything that is queued before it.

        Gives no turn away when the socket takes all of it at once. When cancelled on the way, the
        rest is kept and goes out first. Raises OSError or trio.ClosedResourceError when the
        connection is lost, also by a write that stalled for `write_seconds`.
        """
        if not self._busy:
            try:
                sent = write(self.fileno, data)
            except BlockingIOError:
                sent = 0
            if sent == len(data):
                return
            if sent:
                self._rest = memoryview(data)[sent:]
                self._busy = True
                await self.flush()
                return
        await self._send_in_turn(data)

    async def flush(self) -> None:
        """Write the rest of what is half-written; raises as `send` does."""
        await self._send_in_turn(b"")

    async def _send_in_turn(self, data: bytes) -> None:
        async with self._lock:
            self._busy = True
            try:
                await self._write_rest()
                self._rest = memoryview(data) if data else None
                await self._write_rest()
            finally:
                self._busy = self.closed or self._rest is not None or self._lock.statistics().tasks_waiting > 0

    async def _write_rest(self) -> None:
        while self._rest:
            if self.closed:
                raise trio.ClosedResourceError("this connection was closed here")
            try:
                sent = write(self.fileno, self._rest)
            except BlockingIOError:
                await self._wait_writable()
                continue
            self._rest = self._rest[sent:] if sent < len(self._rest) else None

    async def _wait_writable(self) -> None:
        with trio.move_on_after(self._write_seconds) as deadline:
            await trio.lowlevel.wait_writable(self.fileno)
        if deadline.cancelled_caught:
            self.abort()
            raise WriteStalled("the peer did not read in time")

    def give_up_after(self, seconds: float) -> None:
        """Have the system end the connection where what was sent stays unacknowledged for so long, or a peer's machine is gone.

        On Linux alone (tcp(7), TCP_USER_TIMEOUT); elsewhere it ends when the system has had enough.
        """
        if sys.platform == "linux" and self._sock.family != socket.AF_UNIX:
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(seconds * 1000))

    def end_sending(self) -> None:
        """Tell the peer that nothing more comes; what it sends is still read."""
        if not self.closed:
            try:
                self._sock.shutdown(socket.SHUT_WR)
            except OSError:
                self.abort()

    def abort(self) -> None:
        """Close at once with a reset: half a frame is on the wire, or nobody reads; never used again."""
        if not self.closed:
            with suppress(OSError):  # macOS refuses options of a socket that the peer has reset: that is closed as well
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self.close()

    def close(self) -> None:
        """Close; whoever waits on this socket gets trio.ClosedResourceError. Does nothing the second time."""
        if not self.closed:
            self.closed = self._busy = True
            self._rest = None
            trio.lowlevel.notify_closing(self.fileno)
            self._sock.close()
