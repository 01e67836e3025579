"""A verdict says how a connection ends; every exception becomes one here and nowhere else.

WriteStalled                         the client did not read: half a frame is on the wire, nothing can be said
OSError, trio.ClosedResourceError    the link is gone: nothing can be said any more
Disconnected                         what it carries (a hook's or the gateway's own decision)
anything else                        3004, logged with its traceback: it is our fault
"""

from __future__ import annotations

import random

import attrs
import trio

from trio_gateway.gateway.transport.socket import WriteStalled
from trio_gateway.model import codes
from trio_gateway.model.codes import DisconnectCode
from trio_gateway.model.errors import Disconnected
from trio_gateway.model.logger import get_logger

RECONNECT_MS = (200, 2000)
"""Each client gets a time of its own in this range, so that those of one node don't return at once."""

log = get_logger(__name__)


@attrs.frozen
class Verdict:
    """Say how a connection ends.

    `said` is what the Close frame carries; None where the link is gone and nothing is sent.
    `answered` is whether the peer's Close is waited for. `goodbye` is whether the wire protocol's own
    goodbye goes before the Close.
    """

    disconnect: DisconnectCode
    said: DisconnectCode | None
    answered: bool = True
    goodbye: bool = False

    @property
    def reconnect_ms(self) -> int | None:
        """Choose how long this client stays away (milliseconds); None: it does not come back."""
        if self.disconnect.terminal:
            return None
        return random.randint(*RECONNECT_MS)  # noqa: S311 - jitter, not a secret


LOST = Verdict(codes.CONNECTION_CLOSED, None)
"""The link broke: no Close was seen and none can be sent."""

STALLED = Verdict(codes.WRITE_ERROR, None)
"""The client did not read: half a frame is on the wire."""


def said_by_gateway(disconnect: DisconnectCode) -> Verdict:
    """Close by our own decision, with a goodbye before the Close."""
    return Verdict(disconnect, disconnect, goodbye=True)


def said_by_client(code: int) -> Verdict:
    """Answer the client's own Close with its own code (RFC 6455 §5.5.1); one without a code by 1000."""
    echoed = DisconnectCode(code if code != 1005 else codes.NORMAL_CLOSURE.code, "")
    return Verdict(codes.CONNECTION_CLOSED, echoed)


def broken_frame(violation: DisconnectCode) -> Verdict:
    """Close for a frame that RFC 6455 forbids; no answer can be read from what follows it."""
    return Verdict(violation, violation, answered=False)


def verdict_of(error: BaseException) -> Verdict:
    """Turn an exception of a connection's tasks into its verdict; logs what is our own fault."""
    match error:
        case WriteStalled():
            return STALLED
        case OSError() | trio.ClosedResourceError():
            return LOST
        case Disconnected():
            return said_by_gateway(error.disconnect)
        case BaseExceptionGroup():
            return verdict_of(error.exceptions[0])
    log.error("connection failed", exc_info=error)
    return said_by_gateway(codes.INTERNAL_SERVER_ERROR)
