"""How many clients fit is not decided by the shell: the soft limit of open files goes up to the hard one."""

from __future__ import annotations

import contextlib
import resource


def raise_open_files() -> None:
    """Let this process open as many files as its hard limit allows; a client is one.

    Shells and systemd set the soft limit to 1,024 for the sake of programs that call select(2), which
    Trio does not. The embedded Valkey inherits it.
    """
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS has a lower bound of its own beside an endless hard limit
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
