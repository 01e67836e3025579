"""What may happen often is told now and then only, with how often it happened meanwhile.

It knows no clock: times are seconds of one, and the caller says what time it is.
"""

from __future__ import annotations

import math
from typing import Final

LOG_SECONDS: Final = 10.0
"""Between two lines about one thing that happens again and again."""


class Seldom:
    """Count what happens, for a line in the log that is written at most once in LOG_SECONDS."""

    def __init__(self) -> None:
        self._next_line = -math.inf
        self._count = 0

    def count(self, now: float) -> int:
        """Count one more; answers how many there were since the last line where one is due now, else 0."""
        self._count += 1
        if now < self._next_line:
            return 0
        count, self._count = self._count, 0
        self._next_line = now + LOG_SECONDS
        return count
