"""The exchanges: a process that asks for one path again and again, on a few sockets that are kept.

    python -m bench.exchanges PORT PATH SECONDS

It prints how many answers it got.
"""

from __future__ import annotations

import http.client
import sys
import time

SOCKETS = 8


def main() -> None:
    """Ask in turn on each socket until the time is over."""
    port, path, seconds = sys.argv[1:]
    links = [http.client.HTTPConnection("127.0.0.1", int(port)) for _ in range(SOCKETS)]
    answered, last = 0, time.monotonic() + float(seconds)
    while time.monotonic() < last:
        for link in links:
            link.request("GET", path)
        for link in links:
            response = link.getresponse()
            response.read()
            answered += response.status == 200
    print(answered)


if __name__ == "__main__":
    main()
