"""What came of the requests of one hook is counted here, for whoever measures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

import attrs

Failure = Literal["network", "timeout", "status", "answer", "busy", "breaker"]
"""Why a back end could not be asked: no connection, too late, a status that is no answer, an answer of another
shape, too many requests at once, or the breaker is open."""

FAILURES: Final[tuple[Failure, ...]] = get_args(Failure)


@attrs.frozen(kw_only=True)
class HookStatistics:
    """Show one hook since the node started.

    `calls` are those asked for, of which `refused` were answered by an error or a disconnect; each of
    `failures` counts those of one kind. `seconds` is the time that all answers together took. `in_flight` are
    under way now, `waiting` wait for their turn. `breaker` is closed, open or trying.
    """

    calls: int
    refused: int
    failures: Mapping[Failure, int]
    seconds: float
    in_flight: int
    waiting: int
    breaker: str


@attrs.define
class Counters:
    """Count for one hook."""

    calls: int = 0
    refused: int = 0
    seconds: float = 0.0
    failures: dict[Failure, int] = attrs.field(factory=lambda: dict.fromkeys(FAILURES, 0))
