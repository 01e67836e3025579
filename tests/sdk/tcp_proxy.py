"""A wire to a gateway that can be reset and cut: a TCP port in front of another one."""

from __future__ import annotations

import socket
import struct

import trio
from sdk.nodes import sdk_url

CHUNK = 65_536
RESET_AT_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER: on, for no time at all."""


class TcpProxy:
    """Pass bytes both ways, as long as nobody interferes."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self._target = target
        self._links: set[trio.SocketStream] = set()
        self._is_cut = False

    @property
    def sdk_url(self) -> str:
        return sdk_url(self.port)

    def cut(self) -> None:
        """Reset every link, and each new one."""
        self._is_cut = True
        for stream in self._links:
            reset(stream)

    def mend(self) -> None:
        """Let links be made again."""
        self._is_cut = False

    async def serve(self, *, task_status=trio.TASK_STATUS_IGNORED) -> None:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self.port = listener.socket.getsockname()[1]
        task_status.started()
        await trio.serve_listeners(self._link, [listener])

    async def _link(self, near: trio.SocketStream) -> None:
        if self._is_cut:
            reset(near)
            return
        try:
            async with await trio.open_tcp_stream("127.0.0.1", self._target) as far, near:
                streams = {near, far}
                self._links |= streams
                try:
                    async with trio.open_nursery() as nursery:
                        nursery.start_soon(self._pass_on, near, far, nursery.cancel_scope)
                        nursery.start_soon(self._pass_on, far, near, nursery.cancel_scope)
                finally:
                    self._links -= streams
        except* (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the gateway is away, or the link was cut: it ends as it would without us

    async def _pass_on(self, source: trio.SocketStream, sink: trio.SocketStream, link: trio.CancelScope) -> None:
        while data := await source.receive_some(CHUNK):
            await sink.send_all(data)
        link.cancel()


def reset(stream: trio.SocketStream) -> None:
    """Close a stream so that the other end sees a reset."""
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
    stream.socket.close()
