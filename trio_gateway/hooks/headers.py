"""Of a client's headers the application sees those that it named, and never one that is about one link or the message itself."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

from trio_gateway.model.errors import BadRequest

NAME: Final = re.compile(r"[-!#$%&'*+.^_`|~0-9a-zA-Z]{1,128}")
VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
"""What h11 writes; a line break would begin a header of the client's own."""

KEPT_BACK: Final = frozenset(
    {
        *("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"),
        *("proxy-authenticate", "proxy-authorization", "proxy-connection", "expect", "host"),
        *("accept-encoding", "content-encoding", "content-length", "content-type"),
        *("sec-websocket-accept", "sec-websocket-extensions", "sec-websocket-key"),
        *("sec-websocket-protocol", "sec-websocket-version"),
    }
)
"""Those of one link (RFC 9110 §7.6.1), those that frame the request or its answer, and the handshake's."""


def choose(headers: Mapping[str, str], names: Collection[str]) -> Mapping[str, str]:
    """Pick the headers with these names (in lower case)."""
    return {name: headers[name] for name in names if name in headers}


def choose_emulated(headers: Mapping[str, str], names: Collection[str]) -> Mapping[str, str]:
    """Pick the headers with these names (in lower case) that a client wrote by itself; raises BadRequest for one that is none."""
    chosen = choose({name.lower(): value for name, value in headers.items()}, names) if names else {}
    for name, value in chosen.items():
        if not VALUE.fullmatch(value):
            raise BadRequest(f"the header {name} has characters that no header has")
    return chosen
