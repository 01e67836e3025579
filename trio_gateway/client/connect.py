"""The way in: `connect` opens an inbox for as long as a block runs."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Literal

from trio_gateway.client import dial
from trio_gateway.client.address import Address, make_address, read_channels, read_since
from trio_gateway.client.backoff import Backoff
from trio_gateway.client.buffer import Buffer
from trio_gateway.client.connector import Connector
from trio_gateway.client.cursor import Cursor
from trio_gateway.client.delivery import Delivery
from trio_gateway.client.flat_nursery import open_flat_nursery
from trio_gateway.client.inbox import Inbox
from trio_gateway.client.link import Link
from trio_gateway.client.progress import ChannelProgress, Progress
from trio_gateway.model.errors import BadRequest
from trio_gateway.model.position import Position


@asynccontextmanager
async def connect(
    url: str,
    *,
    user: str | None = None,
    token: str | Callable[[], Awaitable[str]] | None = None,
    device: str | None = None,
    since: Position | str | None = None,
    channels: Sequence[str] = (),
    acknowledge: Literal["next", "manual"] = "next",
    ssl_context: ssl.SSLContext | None = None,
    open_stream: dial.OpenStream = dial.open_stream,
) -> AsyncIterator[Inbox]:
    """Open a user's inbox on a gateway, and keep it open: lost connections are made again.

    The block begins once the server greeted and every channel is subscribed; until then, and after
    every loss, attempts follow each other with full jitter, 0.5 to 20 seconds apart, so wrap it in
    `trio.fail_after` if that must end. Nothing is handed out twice, and what is missing is announced
    by a ReceivedGap. Up to 1,000 messages or 16 MiB are read ahead; an application so slow that they
    are used up answers no pings, and the server ends the connection until it has caught up.

    Args:
        url: `ws://host:port` or `wss://host`; the path is `/ws` if none is given.
        user: whose inbox, where the server believes what it is told (`--insecure`).
        token: a JWT whose `sub` is the user; goes into the `Authorization` header. The server ends a
            connection some time after its token expired, so a program that runs for long gives an async
            function that fetches one: it is called before each attempt. If it raises an OSError the
            attempt counts as failed; any other error ends the block.
        device: which of the user's devices this is. The server keeps its cursor, so it gets what it
            has not acknowledged, also after a restart of this program.
        since: the position to start after, `0` for everything kept. Wins over the device's cursor.
        channels: further channels to receive from.
        acknowledge: `next` acknowledges a message when the next one is asked for, or the block is
            left without an error; `manual` leaves it to `inbox.ack`.
        ssl_context: for `wss://`, where the default one does not do.
        open_stream: opens the stream to the server, for proxies, Unix sockets and tests.

    Raises:
        BadRequest: an argument is wrong, or the server found it so.
        Unauthorized, PermissionDenied: the server will not have this user, or not in these channels.
        UpgradeRefused, ServerUntrusted: this is no gateway, or its certificate is wrong.
    """
    if acknowledge not in ("next", "manual"):
        raise BadRequest(f"acknowledge is 'next' or 'manual', not {acknowledge!r}")
    fixed = None if callable(token) else token
    if callable(token) and user is not None:
        raise BadRequest("give a user or a token, not both: a token names its user")
    address = make_address(url, user=user, token=fixed, device=device, ssl_context=ssl_context)

    async def find_address() -> Address:
        return address.with_token(await token()) if callable(token) else address

    progress = Progress(read_since(since))
    progress.channels = {channel: ChannelProgress() for channel in read_channels(channels)}
    delivery = Delivery(progress, Cursor(), Buffer())

    def make_link(on_change: Callable[[], None]) -> Link:
        return Link(find_address, open_stream, delivery, on_change)

    connector = Connector(make_link, delivery, Backoff())
    inbox = Inbox(connector, delivery, device=device, by_hand=acknowledge == "manual")
    async with open_flat_nursery() as nursery:
        nursery.start_soon(connector.run)
        try:
            await connector.wait_ready()
            yield inbox
            inbox.finish()
        finally:
            connector.leave()
            nursery.cancel_scope.cancel()
