"""Of a client's headers the hooks see those that they name, and of others nothing is kept."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

from trio_gateway.model.errors import BadRequest
from trio_gateway.session.client import NO_HEADERS

BLANKS: Final = " \t"
"""Around a value they are no part of it (RFC 9110 §5.5), and h11 would write none with them."""

VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
"""What h11 writes; a line break would begin a header of the client's own."""


def choose(headers: Mapping[str, str], names: Collection[str]) -> Mapping[str, str]:
    """Pick the headers with these names (in lower case)."""
    return {name: headers[name] for name in names if name in headers} if names else NO_HEADERS


def choose_emulated(headers: Mapping[str, str], names: Collection[str]) -> Mapping[str, str]:
    """Pick the headers with these names (in lower case) that a client wrote by itself; raises BadRequest for one that is none."""
    if not (headers and names):
        return NO_HEADERS
    chosen = choose({name.lower(): value.strip(BLANKS) for name, value in headers.items()}, names)
    for name, value in chosen.items():
        if not VALUE.fullmatch(value):
            raise BadRequest(f"the header {name} has characters that no header has")
    return chosen
