"""Publishing from a back end that knows no Trio: synchronous and thread-safe, on redis-py."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

import redis
from redis import exceptions
from redis.backoff import NoBackoff
from redis.retry import Retry

from trio_gateway.broker.redis.function_library import NOT_LOADED, Library, update_of
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


class Publisher:
    """Publish to users and channels through Redis; one object serves all threads of a program.

    Data is any JSON-able Python value, or `EncodedJson`. With an `id`, repeating a call within 5 minutes
    takes effect once, and an unanswered call is repeated once by itself; without one it is sent once.
    `tags` are texts by name, which go with the data.
    Connects at the first call. `timeout` is seconds for each attempt.

    Every method raises InvalidChannel, InvalidData, InvalidId, PublicationTooLarge or UnknownChannel, and
    nothing is stored; or BrokerUnavailable, and nobody knows. Raises ConfigurationError for a URL that is
    not `redis://`, `rediss://` or `unix://`, or a wrong prefix.
    """

    def __init__(self, url: str, *, prefix: str = "tg", timeout: float = ANSWER_SECONDS) -> None:
        self._keys = make_keys(prefix)
        self._redis = _open(url, timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def send_to_user(
        self, user: str, data: Any, id: str | None = None, *, tags: Mapping[str, str] | None = None
    ) -> Position:
        """Publish into a user's inbox; answers the position there. Raises BadRequest for a wrong user id as well."""
        return self.publish(inbox_channel(user), data, id, tags=tags)

    def publish(
        self,
        channel: str,
        data: Any,
        id: str | None = None,
        *,
        tags: Mapping[str, str] | None = None,
        delta: bool = False,
    ) -> Position:
        """Publish in a channel; answers the position, `Position("", 0)` where the channel keeps no history.

        With `delta`, clients that get deltas are sent one, also where the namespace has no `delta_publish`.
        """
        command = publish_command(self._keys, channel, encode_data(data), id, tags, delta=delta)
        try:
            return read_answer(_repeat(id, partial(self._call, command)))
        except exceptions.RedisError as error:
            raise model_error(error) from error

    def broadcast(self, channels: Sequence[str], data: Any, id: str | None = None) -> list[Result]:
        """Publish the same in many channels, in one round trip.

        Answers one result per channel, in order: its position, or the error that this channel met (not
        raised, since the others were published). Raises BrokerUnavailable where the server did not answer.
        """
        broadcast = Broadcast(self._keys, channels, encode_data(data), id)
        try:
            if broadcast.settle(_repeat(id, partial(self._call_all, broadcast.commands))):
                self._load()
                broadcast.settle(_repeat(id, partial(self._call_all, broadcast.commands)))
        except exceptions.RedisError as error:
            raise model_error(error) from error
        return broadcast.results()

    def _call(self, command: Command) -> Any:
        try:
            return self._execute(*command)
        except exceptions.ResponseError as error:
            if not is_library_missing(error):
                raise
        self._load()
        return self._execute(*command)

    def _call_all(self, commands: Sequence[Command]) -> list[Any]:
        """Answer each command's reply, errors of the server as values; raises where the server did not answer."""
        with self._redis.pipeline(transaction=False) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
            return pipeline.execute(raise_on_error=False)

    def _execute(self, *command: str | bytes | int) -> Any:
        return self._redis.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped

    def _load(self) -> None:
        source = update_of(self._loaded(), self._keys.prefix, default_installation())
        if source is not None:
            self._execute("FUNCTION", "LOAD", "REPLACE", source)

    def _loaded(self) -> Library:
        try:
            return Library.parse(self._execute("FCALL", "tg1_library", 0))
        except exceptions.ResponseError as error:
            if is_library_missing(error):
                return NOT_LOADED
            raise


def _repeat(id: str | None, send: Callable[[], T]) -> T:
    for left in reversed(attempts_of(id)):
        try:
            return send()
        except UNANSWERED:
            if not left:
                raise
    raise AssertionError("the last attempt answers or raises")


def _open(url: str, timeout: float) -> redis.Redis:
    try:
        # Without a Retry of ours redis-py sends what went unanswered again: a stall made two entries of one.
        return redis.Redis.from_url(
            url, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=timeout, retry=Retry(NoBackoff(), 0)
        )
    except ValueError as error:
        raise ConfigurationError(f"url: {error}") from None
