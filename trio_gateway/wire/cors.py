"""What a browser must be told so that a page of another origin may read an answer (Fetch §3.3).

Whether it may is judged before, in `origin.py`: without that, an answer that a page can't read has had its effect all
the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

PREFLIGHT_SECONDS = 7200
"""For which browsers remember a preflight's answer; Chromium's own limit."""

VARIES = ("Vary", "Origin")
"""An answer to a page of one origin is not for another (RFC 9110 §12.5.5)."""


def cors_headers(origin: str | None) -> Sequence[tuple[str, str]]:
    """Let a page of this (allowed) origin read the answer, cookies sent or not.

    None for a request without one, of a page of the gateway itself perhaps: what a cache keeps of that is for no other page.
    """
    if origin is None:
        return (VARIES,)
    return (("Access-Control-Allow-Origin", origin), ("Access-Control-Allow-Credentials", "true"), VARIES)


def is_preflight(method: str, headers: Mapping[str, str]) -> bool:
    """Tell whether a browser asks before it sends a request (Fetch §3.3); `headers` are found in small letters."""
    return method == "OPTIONS" and "access-control-request-method" in headers


def preflight_headers(origin: str, requested_headers: str) -> Sequence[tuple[str, str]]:
    """Answer a page of this (allowed) origin that asks whether it may send a request with such headers."""
    asked = (("Access-Control-Allow-Headers", requested_headers),) if requested_headers else ()
    return (
        *cors_headers(origin),
        ("Access-Control-Allow-Methods", "GET, POST"),
        *asked,
        ("Access-Control-Max-Age", str(PREFLIGHT_SECONDS)),
    )
