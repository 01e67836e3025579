"""A call of a function, alone or with many others: where the library is missing it is loaded, and the call repeated once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import outcome
import trio
from redis import exceptions

from trio_gateway.broker.redis.connection import Connection
from trio_gateway.broker.redis.link import Argument, Command
from trio_gateway.broker.redis.loader import Loader
from trio_gateway.broker.redis.refusals import is_library_missing, model_error
from trio_gateway.model.errors import RequestError

ANSWER_SECONDS = 1.9
"""A client is answered within 2 s, whatever happens to the store."""

LATE = "the function library could not be loaded in time"


class Calls:
    """Call functions over one connection."""

    def __init__(self, connection: Connection, loader: Loader) -> None:
        self._connection = connection
        self._loader = loader

    async def fcall(self, function: str, keys: Sequence[str], *args: Argument) -> Any:
        """Call a function; raises a RequestError for its refusals, BrokerUnavailable for everything else."""
        try:
            return await self.call_loaded(("FCALL", function, len(keys), *keys, *args))
        except exceptions.RedisError as error:
            raise model_error(error) from error

    async def call_loaded(self, command: Command) -> Any:
        """Send a call, and repeat it once where the library was missing (it did nothing then); raises as Connection.call."""
        started = trio.current_time()
        try:
            return await self._connection.call(*command)
        except exceptions.ResponseError as error:
            if not is_library_missing(error):
                raise
        with trio.move_on_at(started + ANSWER_SECONDS):
            await self._loader.restore(self._connection.call)
            return await self._connection.call(*command)
        raise exceptions.TimeoutError(LATE)

    async def fcall_all(self, commands: Sequence[Command]) -> list[Any]:
        """Send calls (at least one) in one write; answers each one's answer, or the RequestError that it met.

        Raises BrokerUnavailable when the outcome of any is unknown.
        """
        try:
            return [_answer(result) for result in await self._outcomes(commands)]
        except exceptions.RedisError as error:
            raise model_error(error) from error

    async def fcall_each(self, commands: Sequence[Command]) -> list[Any]:
        """Send calls (at least one) in one write; answers each one's answer, or the RequestError or BrokerUnavailable."""
        try:
            return [_answer_or_error(result) for result in await self._outcomes(commands)]
        except exceptions.RedisError as error:
            failure = model_error(error)
            return [failure] * len(commands)

    async def _outcomes(self, commands: Sequence[Command]) -> Sequence[outcome.Outcome[Any]]:
        started = trio.current_time()
        outcomes = await self._connection.call_all(commands)
        missing = [index for index, result in enumerate(outcomes) if _is_library_missing(result)]
        if not missing:
            return outcomes
        with trio.move_on_at(started + ANSWER_SECONDS):
            await self._loader.restore(self._connection.call)
            repeated = await self._connection.call_all([commands[index] for index in missing])
            for index, result in zip(missing, repeated, strict=True):
                outcomes[index] = result
            return outcomes
        raise exceptions.TimeoutError(LATE)


def _is_library_missing(result: outcome.Outcome[Any]) -> bool:
    if not isinstance(result, outcome.Error):
        return False
    return isinstance(result.error, exceptions.ResponseError) and is_library_missing(result.error)


def _answer(result: outcome.Outcome[Any]) -> Any:
    """Give the answer or the refusal; raises everything else."""
    try:
        return result.unwrap()
    except exceptions.ResponseError as error:
        refused = model_error(error)
        if isinstance(refused, RequestError):
            return refused
        raise


def _answer_or_error(result: outcome.Outcome[Any]) -> Any:
    try:
        return result.unwrap()
    except exceptions.RedisError as error:
        return model_error(error)
