"""How the embedded Valkey stands: a value that the process's keeper makes and the health page shows."""

from __future__ import annotations

import attrs


@attrs.frozen
class ValkeyHealth:
    """Show how the embedded Valkey stands.

    `restarts` counts how often it ended unasked and was started again; `since` is the Unix time, in
    seconds, from which it has been running, or been away. `pid` is None while it is away.
    """

    running: bool
    restarts: int
    pid: int | None
    since: float
