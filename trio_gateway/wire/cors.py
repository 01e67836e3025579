"""What a browser must be told so that a page of another origin may read an answer (Fetch §3.3).

Whether it may is judged before, in `origin.py`: without that, an answer that a page can't read has had its effect all
the same.
"""

from __future__ import annotations

from collections.abc import Sequence

PREFLIGHT_SECONDS = 7200
"""For which browsers remember a preflight's answer; Chromium's own limit."""


def cors_headers(origin: str | None) -> Sequence[tuple[str, str]]:
    """Let a page of this (allowed) origin read the answer, cookies sent or not; None where no browser speaks."""
    if origin is None:
        return ()
    return (
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Credentials", "true"),
        ("Vary", "Origin"),
    )


def preflight_headers(origin: str, requested_headers: str) -> Sequence[tuple[str, str]]:
    """Answer a page of this (allowed) origin that asks whether it may send a request with such headers."""
    asked = (("Access-Control-Allow-Headers", requested_headers),) if requested_headers else ()
    return (
        *cors_headers(origin),
        ("Access-Control-Allow-Methods", "GET, POST"),
        *asked,
        ("Access-Control-Max-Age", str(PREFLIGHT_SECONDS)),
    )
