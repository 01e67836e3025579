"""Every way a command may end is mapped to an exit code here: 0 well, 2 the operator's error, 1 the machine's."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from cyclopts.exceptions import CycloptsError, MissingArgumentError, UnusedCliTokensError

from trio_gateway.cli.interrupts import INTERRUPTED
from trio_gateway.model.errors import ConfigurationError, GatewayError, RequestError
from trio_gateway.settings.option import InvalidOption

FAILED = 1
MISUSED = 2


def exit_code(error: BaseException) -> int | None:
    """Give the exit code for an error that a command may end with; None for one that is a bug.

    Of a group all must be expected; an interrupt in it wins.
    """
    codes = {_exit_code(one) for one in leaves(error)}
    return None if None in codes else INTERRUPTED if INTERRUPTED in codes else max(filter(None, codes))


def report(error: BaseException) -> None:
    """Print an expected error in one line on stderr; an interrupt and a reader who has gone need no words."""
    for one in leaves(error):
        if not isinstance(one, (KeyboardInterrupt, BrokenPipeError)):
            say(f"error: {message(one)}")
            return
    if any(isinstance(one, BrokenPipeError) for one in leaves(error)):
        # Or the interpreter would complain when it flushes stdout at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(line: str) -> None:
    """Print one line on stderr that says who speaks."""
    print("trio-gateway:", " ".join(line.split()), file=sys.stderr, flush=True)  # noqa: T201


def message(error: BaseException) -> str:
    """Put an error into words for the operator."""
    if isinstance(error, UnusedCliTokensError):
        return f"unexpected argument {' '.join(error.unused_tokens or ())}"
    if isinstance(error, MissingArgumentError) and error.argument and not (error.keyword or error.unused_tokens):
        return f"{error.argument.name} is missing"
    if isinstance(error, CycloptsError):
        error.verbose = False
    return str(error)


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Go through the errors of a group, however deep; an error that is no group is its own leaf."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from leaves(one)
    else:
        yield error


def _exit_code(error: BaseException) -> int | None:
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, (ConfigurationError, InvalidOption, RequestError, CycloptsError)):
        return MISUSED
    return FAILED if isinstance(error, (GatewayError, BrokenPipeError)) else None
