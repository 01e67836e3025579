"""Which web pages may connect: a browser tells the page's origin, and no page can lie about it (RFC 6454 §7)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._~-]*)(?::[0-9]{1,5})?")
_PORT = re.compile(r":[0-9]+\Z")


def origin_allowed(origin: str | None, host: str, patterns: Sequence[str] = ()) -> bool:
    """Tell whether a page of this origin may connect; None, for clients that are no browsers, always may.

    The patterns are globs (`*` and `?`) over the whole origin, such as `https://*.example.com`, in
    whatever case. Without patterns the origin's host name must be the one in the request's Host
    header, ports aside, and `null` (a sandboxed frame, a local file) is refused.
    """
    if origin is None:
        return True
    origin = origin.lower()
    parts = _ORIGIN.fullmatch(origin)
    if parts is None and origin != "null":
        return False
    if patterns:
        return any(_glob(pattern.lower()).fullmatch(origin) for pattern in patterns)
    return bool(host) and parts is not None and parts["host"] == _PORT.sub("", host.lower())


@lru_cache(maxsize=256)
def _glob(pattern: str) -> re.Pattern[str]:
    # Not fnmatch: its brackets are sets, and an IPv6 address has brackets.
    return re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."))
