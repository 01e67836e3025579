"""A wire to Redis that can be cut, stalled and mended: a Unix socket in front of another one."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import asynccontextmanager

import trio

CHUNK = 65_536


class LinkProxy:
    """Pass bytes both ways, as long as nobody interferes."""

    def __init__(self, target: str, path: str) -> None:
        self.path = path
        self.url = f"unix://{path}"
        self.target = target  # another one counts for links made from then on
        self._links: set[trio.CancelScope] = set()
        self._is_cut = False
        self._flowing = trio.Event()
        self._flowing.set()

    def cut(self) -> None:
        """Break every link, and let new ones end at once."""
        self._is_cut = True
        for link in self._links:
            link.cancel()

    def stall(self) -> None:
        """Pass nothing on, and say nothing: a dead switch, a firewall that forgot."""
        self._flowing = trio.Event()

    def mend(self) -> None:
        """Let links be made and bytes flow again."""
        self._is_cut = False
        self._flowing.set()

    async def serve(self, *, task_status=trio.TASK_STATUS_IGNORED) -> None:
        with trio.socket.socket(trio.socket.AF_UNIX) as listener:
            await listener.bind(self.path)
            listener.listen()
            task_status.started()
            await trio.serve_listeners(self._link, [trio.SocketListener(listener)])

    async def _link(self, near: trio.SocketStream) -> None:
        if self._is_cut:
            return
        with trio.CancelScope() as scope:
            self._links.add(scope)
            try:
                async with await trio.open_unix_socket(self.target) as far, trio.open_nursery() as nursery:
                    nursery.start_soon(self._pass_on, near, far, scope)
                    nursery.start_soon(self._pass_on, far, near, scope)
            except* OSError:
                pass  # the server is away: the link ends as it would without us
            finally:
                self._links.discard(scope)

    async def _pass_on(self, source: trio.SocketStream, sink: trio.SocketStream, link: trio.CancelScope) -> None:
        try:
            while data := await source.receive_some(CHUNK):
                await self._flowing.wait()
                await sink.send_all(data)
        except trio.BrokenResourceError:
            pass
        link.cancel()


@asynccontextmanager
async def link_to(target: str):
    """Give a proxy in front of a Unix socket."""
    folder = tempfile.mkdtemp(prefix="tg-")  # a socket's path has at most 107 bytes
    try:
        async with trio.open_nursery() as nursery:
            proxy = LinkProxy(target, f"{folder}/link")
            await nursery.start(proxy.serve)
            yield proxy
            nursery.cancel_scope.cancel()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
