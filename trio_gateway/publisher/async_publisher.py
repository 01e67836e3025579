"""Publishing from a back end on Trio, over the native connection: the twin of `Publisher`, call by call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

import trio
from redis import exceptions

from trio_gateway.broker.redis.address import parse_address
from trio_gateway.broker.redis.connection import Connection
from trio_gateway.broker.redis.link import Bounds, Link
from trio_gateway.broker.redis.loader import Loader
from trio_gateway.broker.redis.refusals import is_library_missing, model_error
from trio_gateway.model.errors import ConfigurationError
from trio_gateway.model.position import Position
from trio_gateway.publisher.broadcast import Broadcast, Result
from trio_gateway.publisher.call import (
    ANSWER_SECONDS,
    CONNECT_SECONDS,
    UNANSWERED,
    Command,
    attempts_of,
    default_installation,
    inbox_channel,
    make_keys,
    publish_command,
    read_answer,
)
from trio_gateway.publisher.data import encode_data

T = TypeVar("T")


class AsyncPublisher:
    """Publish to users and channels through Redis, from any task, for as long as its block runs.

    What `Publisher` says of data, ids, timeouts and errors holds here as well. Calls of all tasks share
    one connection; a lost one is made again.
    """

    def __init__(self, url: str, *, prefix: str = "tg", timeout: float = ANSWER_SECONDS) -> None:
        self._keys = make_keys(prefix)
        self._loader = Loader(prefix, default_installation())
        try:
            address = parse_address(url)
        except ValueError as error:
            raise ConfigurationError(f"url: {error}") from None
        bounds = Bounds(deadline=timeout, patience=CONNECT_SECONDS)
        self._connection = Connection(address, f"{prefix}:publisher", prepare=self._prepare, bounds=bounds)
        self._nurseries: AbstractAsyncContextManager[trio.Nursery] = trio.open_nursery()
        self._nursery: trio.Nursery | None = None

    async def __aenter__(self) -> Self:
        self._nursery = await self._nurseries.__aenter__()
        await self._nursery.start(self._serve)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        assert self._nursery is not None, "entered before"
        self._nursery.cancel_scope.cancel()
        try:
            return await self._nurseries.__aexit__(kind, error, traceback)
        except BaseExceptionGroup as group:
            if group.exceptions == (error,):
                return False  # the block's own error goes on bare
            raise

    async def send_to_user(
        self, user: str, data: Any, id: str | None = None, *, tags: Mapping[str, str] | None = None
    ) -> Position:
        """Publish into a user's inbox; see Publisher.send_to_user."""
        return await self.publish(inbox_channel(user), data, id, tags=tags)

    async def publish(
        self,
        channel: str,
        data: Any,
        id: str | None = None,
        *,
        tags: Mapping[str, str] | None = None,
        delta: bool = False,
    ) -> Position:
        """Publish in a channel; see Publisher.publish."""
        command = publish_command(self._keys, channel, encode_data(data), id, tags, delta=delta)
        try:
            return read_answer(await _repeat(id, partial(self._call, command)))
        except exceptions.RedisError as error:
            raise model_error(error) from error

    async def broadcast(self, channels: Sequence[str], data: Any, id: str | None = None) -> list[Result]:
        """Publish the same in many channels, in one round trip; see Publisher.broadcast."""
        broadcast = Broadcast(self._keys, channels, encode_data(data), id)
        try:
            if broadcast.settle(await _repeat(id, partial(self._call_all, broadcast.commands))):
                await self._loader.restore(self._connection.call)
                broadcast.settle(await _repeat(id, partial(self._call_all, broadcast.commands)))
        except exceptions.RedisError as error:
            raise model_error(error) from error
        return broadcast.results()

    async def _serve(self, *, task_status: trio.TaskStatus[None]) -> None:
        # Without a checkpoint between the two: a call waits for a first link only once it is being made.
        task_status.started()
        await self._connection.serve()

    async def _call(self, command: Command) -> Any:
        try:
            return await self._connection.call(*command)
        except exceptions.ResponseError as error:
            if not is_library_missing(error):
                raise
        await self._loader.restore(self._connection.call)
        return await self._connection.call(*command)

    async def _call_all(self, commands: Sequence[Command]) -> list[Any]:
        """Answer each command's reply, errors of the server as values; raises where one went unanswered."""
        if not commands:
            return []
        answers: list[Any] = []
        for result in await self._connection.call_all(commands):
            try:
                answers.append(result.unwrap())
            except exceptions.ResponseError as error:
                answers.append(error)
        return answers

    async def _prepare(self, link: Link) -> None:
        await self._loader.load(link.call)


async def _repeat(id: str | None, send: Callable[[], Awaitable[T]]) -> T:
    for left in reversed(attempts_of(id)):
        try:
            return await send()
        except UNANSWERED:
            if not left:
                raise
    raise AssertionError("the last attempt answers or raises")
