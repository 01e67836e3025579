"""One publication in many channels: what is sent together, and each channel's own result, in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis import exceptions

from trio_gateway.broker.redis.keys import Keys
from trio_gateway.broker.redis.refusals import is_library_missing, model_error
from trio_gateway.model.errors import GatewayError, InvalidChannel
from trio_gateway.model.position import Position
from trio_gateway.publisher.call import Command, publish_command, read_answer

Result = Position | GatewayError


class Broadcast:
    """Hold the commands that are still to be sent, and the results so far."""

    def __init__(self, keys: Keys, channels: Sequence[str], data: bytes, id: str | None) -> None:
        self._results: list[Result | None] = [None] * len(channels)
        self._unsent: dict[int, Command] = {}
        for index, channel in enumerate(channels):
            try:
                self._unsent[index] = publish_command(keys, channel, data, id)
            except InvalidChannel as error:
                self._results[index] = error

    @property
    def commands(self) -> list[Command]:
        """Give the commands to send now."""
        return list(self._unsent.values())

    def settle(self, answers: Sequence[Any]) -> bool:
        """Take the answers to `commands`, errors as values; tells whether the library is missing for some.

        Those did nothing and stay among the commands.
        """
        missing: dict[int, Command] = {}
        for (index, command), answer in zip(self._unsent.items(), answers, strict=True):
            if isinstance(answer, exceptions.RedisError) and is_library_missing(answer):
                missing[index] = command
            self._results[index] = self._result_of(answer)
        self._unsent = missing
        return bool(missing)

    def results(self) -> list[Result]:
        """Give one result per channel, in the order of the channels."""
        return [result for result in self._results if result is not None]

    @staticmethod
    def _result_of(answer: Any) -> Result:
        if isinstance(answer, exceptions.RedisError):
            return model_error(answer)
        if isinstance(answer, Exception):
            raise answer
        return read_answer(answer)
