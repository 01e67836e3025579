"""Error replies become redis-py's own exceptions, by their first word."""

from __future__ import annotations

from typing import Any

import hiredis
from redis import exceptions

CLASSES: dict[str, type[exceptions.RedisError]] = {
    "ASK": exceptions.AskError,
    "CLUSTERDOWN": exceptions.ClusterDownError,
    "CROSSSLOT": exceptions.ClusterCrossSlotError,
    "EXECABORT": exceptions.ExecAbortError,
    "LOADING": exceptions.BusyLoadingError,
    "MASTERDOWN": exceptions.MasterDownError,
    "MOVED": exceptions.MovedError,
    "NOAUTH": exceptions.AuthenticationError,
    "NOPERM": exceptions.NoPermissionError,
    "NOSCRIPT": exceptions.NoScriptError,
    "OOM": exceptions.OutOfMemoryError,
    "READONLY": exceptions.ReadOnlyError,
    "TRYAGAIN": exceptions.TryAgainError,
    "WRONGPASS": exceptions.AuthenticationError,
}
TAKE_REST = (exceptions.AskError, exceptions.MovedError)
"""Classes that read slot and address out of the text after the first word."""


def error_of(reply: hiredis.ReplyError) -> exceptions.RedisError:
    """Turn an error reply into redis-py's class for it; its text is the whole reply."""
    text = str(reply)
    word, _, rest = text.partition(" ")
    kind = CLASSES.get(word, exceptions.ResponseError)
    return kind(rest if issubclass(kind, TAKE_REST) else text)


def convert(reply: Any) -> Any:
    """Replace the error replies in an answer, nested ones too, by exceptions; none is raised here."""
    if isinstance(reply, hiredis.ReplyError):
        return error_of(reply)
    if type(reply) is list:
        for index, part in enumerate(reply):
            if isinstance(part, (hiredis.ReplyError, list)):
                reply[index] = convert(part)
    return reply
