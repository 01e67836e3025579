"""An error of our functions becomes one of the model's errors by its first word; this is the table."""

from __future__ import annotations

from redis import exceptions

from trio_gateway.model.errors import (
    BadRequest,
    BrokerUnavailable,
    GatewayError,
    InvalidChannel,
    InvalidData,
    InvalidId,
    PublicationTooLarge,
    RequestError,
    UnknownChannel,
)

REFUSALS: dict[str, type[RequestError]] = {
    "TGCHANNEL": InvalidChannel,
    "TGNAMESPACE": UnknownChannel,
    "TGDATA": InvalidData,
    "TGSIZE": PublicationTooLarge,
    "TGID": InvalidId,
    "TGDEVICE": BadRequest,
    "TGARGUMENT": BadRequest,
    "TGKEYS": BadRequest,
}

LIBRARY_MISSING = ("Function not found", "ERR Function not found", "TGPREFIX", "TGNAMESPACE guessed")
"""What an error of a call begins with where the library, or its settings for our prefix, must be loaded first."""


def model_error(error: exceptions.RedisError) -> GatewayError:
    """Turn an error of a call into the refusal it names, or into BrokerUnavailable: the outcome is unknown."""
    word, _, reason = str(error).partition(" ")
    kind = REFUSALS.get(word, BrokerUnavailable)
    return kind(reason if word in REFUSALS else str(error))


def is_library_missing(error: exceptions.RedisError) -> bool:
    """Tell whether the call did nothing and should be repeated once, after the library was loaded."""
    return str(error).startswith(LIBRARY_MISSING)
