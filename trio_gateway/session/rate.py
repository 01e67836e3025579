"""A client asks within its rate: a bucket of permits that fills steadily, as the token bucket of the field.

Who goes on beyond it is refused command by command, and after as many refusals as the bucket is deep
the connection ends.
"""

from __future__ import annotations


class Rate:
    """Count one client's commands: `per_second` over time, `burst` at once; with 0 per second it never refuses."""

    __slots__ = ("_burst", "_filled_at", "_per_second", "_permits", "refused")

    def __init__(self, per_second: float, burst: int, now: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._permits: float = burst
        self._filled_at = now
        self.refused = 0
        """Commands refused since the last one that was allowed."""

    @property
    def exceeded(self) -> bool:
        """Tell whether the client was refused so often that it is not worth a connection."""
        return self.refused >= self._burst

    def allow(self, now: float) -> bool:
        """Take a permit for one command at a time in seconds; False where there is none."""
        if not self._per_second:
            return True
        self._permits = min(self._burst, self._permits + (now - self._filled_at) * self._per_second)
        self._filled_at = now
        if self._permits < 1:
            self.refused += 1
            return False
        self._permits -= 1
        self.refused = 0
        return True
