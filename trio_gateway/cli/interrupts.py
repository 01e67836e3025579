"""During imports Ctrl-C ends the process at once: raised there as an exception, one in a hundred got lost.

The import system has callbacks (of the weak references to its locks) whose exceptions Python prints and
forgets; the program would go on as if nobody had pressed anything.
"""

from __future__ import annotations

import os
import signal

INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""


class EndingAtOnce:
    """Let Ctrl-C end the process with 130 for as long as a block lasts; nothing must need an end of its own yet.

    Where Ctrl-C is ignored, as in a background job of a script, it stays so.
    """

    def __enter__(self) -> None:
        self._raises = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self._raises:
            signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))

    def __exit__(self, *_exception: object) -> None:
        if self._raises:
            signal.signal(signal.SIGINT, signal.default_int_handler)
