"""Runs the gateway's command line under a sampling profiler: where it is, every few ms of CPU, and who called that.

    python -m bench.sampling serve …

SIGUSR1 begins to take samples, SIGUSR2 ends it: starting up is not what is asked about. A timer counts the process's CPU, so that waiting costs no sample; C code counts for the line that
called it. The tables go to stderr at the end: `self` is the function that ran, `all` everything it called too.
"""

from __future__ import annotations

import collections
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType

from trio_gateway.cli.main import main

PERIOD = 0.004
"""Seconds of CPU between samples: as fine as a kernel with 250 ticks a second tells them. Each wakes Trio's own signal pipe too, about 20 µs: half a per cent."""

ROWS = 60


def stack(frame: FrameType | None) -> Iterator[tuple[CodeType, int]]:
    """Walk from the running function to its callers."""
    while frame:
        yield frame.f_code, frame.f_lineno
        frame = frame.f_back


class Samples:
    """Count where the process is."""

    def __init__(self) -> None:
        self.total = 0
        self.own: collections.Counter[str] = collections.Counter()
        self.all: collections.Counter[str] = collections.Counter()
        self.lines: collections.Counter[str] = collections.Counter()

    def take(self, _signal: int, frame: FrameType | None) -> None:
        """Take one sample."""
        codes = list(stack(frame))
        self.total += 1
        self.own[name(codes[0][0])] += 1
        self.lines[f"{name(codes[0][0])} line {codes[0][1]}"] += 1
        self.all.update({name(code) for code, _ in codes})

    def show(self) -> None:
        """Print the tables."""
        for title, counter in (("self", self.own), ("self, by line", self.lines), ("all", self.all)):
            print(f"\n{title}, of {self.total} samples", file=sys.stderr)
            for label, count in counter.most_common(ROWS):
                print(f"{100 * count / self.total:6.1f} %  {label}", file=sys.stderr)


def name(code: CodeType) -> str:
    """Name a function by its file's last two parts."""
    return f"{'/'.join(Path(code.co_filename).parts[-2:])} {code.co_qualname}"


def sample_between_signals(samples: Samples) -> None:
    """Let the timer run from SIGUSR1 to SIGUSR2."""
    signal.signal(signal.SIGPROF, samples.take)
    signal.signal(signal.SIGUSR1, lambda *_: signal.setitimer(signal.ITIMER_PROF, PERIOD, PERIOD))
    signal.signal(signal.SIGUSR2, lambda *_: signal.setitimer(signal.ITIMER_PROF, 0))


if __name__ == "__main__":
    samples = Samples()
    sample_between_signals(samples)
    try:
        main()
    finally:
        samples.show()
