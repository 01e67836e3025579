"""What the job says, in single lines on stderr."""

from __future__ import annotations

import sys
import time


def say(line: str) -> None:
    """Print one line."""
    print("push:", " ".join(line.split()), file=sys.stderr, flush=True)


class Progress:
    """Count what was answered, and tell it once a second."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self.refused = total, 0, 0
        self._told = time.monotonic()

    def add(self, done: int) -> None:
        """Count what was published."""
        self.done += done
        if time.monotonic() - self._told >= 1:
            self.tell()

    def refuse(self, id: str, reason: str) -> None:
        """Count one that will never be published, and say why."""
        self.refused += 1
        say(f"{id} is refused: {reason}")

    def tell(self) -> None:
        """Say how far it is."""
        self._told = time.monotonic()
        say(f"{self.done} of {self.total} done" + (f", {self.refused} refused" if self.refused else ""))
