"""The listeners: a process that opens streams of events, counts the messages that come, and reports as bench/wsload.c does.

    python -m bench.listeners PORT COUNT PATH

SIGTERM ends it. Python is fast enough for it: it reads on the load's core, where nobody counts.
"""

from __future__ import annotations

import re
import selectors
import signal
import socket
import sys
import time

STAMP = re.compile(rb'"T":([0-9.]+)')
OPENING_SECONDS = 60.0


class Listeners:
    """Hold so many streams of one server."""

    def __init__(self, port: int, count: int, path: str) -> None:
        self.latencies: list[float] = []
        self.closed = 0
        self._selector = selectors.DefaultSelector()
        self._request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        self._unanswered = count
        for _ in range(count):
            link = socket.create_connection(("127.0.0.1", port))
            link.sendall(self._request)
            link.setblocking(False)
            self._selector.register(link, selectors.EVENT_READ)

    def open(self) -> int:
        """Wait until each stream has greeted; answers how many did not."""
        deadline = time.monotonic() + OPENING_SECONDS
        while self._unanswered and time.monotonic() < deadline:
            self.read()
        return self._unanswered

    def read(self) -> None:
        """Read what comes within a tenth of a second."""
        events = self._selector.select(0.1)
        now = time.monotonic()
        for key, _ in events:
            data = key.fileobj.recv(65_536)
            if not data:
                self.closed += 1
                self._selector.unregister(key.fileobj)
            if b'"connect"' in data:
                self._unanswered -= 1
            self.latencies += [now - float(stamp) for stamp in STAMP.findall(data)]


def main() -> None:
    """Listen until SIGTERM, then report."""
    port, count, path = sys.argv[1:]
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    listeners = Listeners(int(port), int(count), path)
    missing = listeners.open()
    print(f"open {int(count) - missing} rejected {missing}", file=sys.stderr, flush=True)
    print("READY", flush=True)
    while not ended:
        listeners.read()
    latencies = sorted(listeners.latencies) or [0.0]
    p50, p99 = (latencies[int(share * len(latencies))] * 1e3 for share in (0.5, 0.99))
    count = len(listeners.latencies)
    print(
        f"conns {sys.argv[2]} msgs {count} bytes 0 closed {listeners.closed} span 0 latency ms p50 {p50:.3f} p99 {p99:.3f}"
    )


if __name__ == "__main__":
    main()
