"""The two code tables: errors answer one request, disconnects end the connection.

A client may come back after a disconnect below 3500 (and 4000–4499); the others are terminal:
coming back with the same request would end the same way. The numbers are those of the Centrifugo
client protocol, so that its SDKs know them; `docs/protocol.md` prints both tables from here.
"""

from __future__ import annotations

import attrs

TERMINAL_CODES = (range(3500, 4000), range(4500, 5000))
"""Disconnect codes after which a client does not come back by itself."""


@attrs.frozen
class ErrorCode:
    """Answer one request with a number and its standard words; after a `temporary` one it may be repeated."""

    code: int
    message: str
    temporary: bool = False


@attrs.frozen
class DisconnectCode:
    """End a connection with a close code (RFC 6455 §7.4) and a reason of at most 123 bytes."""

    code: int
    reason: str

    @property
    def terminal(self) -> bool:
        """Tell whether the client must not come back by itself."""
        return is_terminal(self.code)


def is_terminal(code: int) -> bool:
    """Tell whether a client must not come back by itself after this close code."""
    return any(code in codes for codes in TERMINAL_CODES)


INTERNAL_ERROR = ErrorCode(100, "internal server error", temporary=True)
UNAUTHORIZED = ErrorCode(101, "unauthorized")
UNKNOWN_CHANNEL = ErrorCode(102, "unknown channel")
PERMISSION_DENIED = ErrorCode(103, "permission denied")
METHOD_NOT_FOUND = ErrorCode(104, "method not found")
ALREADY_SUBSCRIBED = ErrorCode(105, "already subscribed")
LIMIT_EXCEEDED = ErrorCode(106, "limit exceeded")
BAD_REQUEST = ErrorCode(107, "bad request")
NOT_AVAILABLE = ErrorCode(108, "not available")
TOKEN_EXPIRED = ErrorCode(109, "token expired")
EXPIRED = ErrorCode(110, "expired")
TOO_MANY_REQUESTS = ErrorCode(111, "too many requests", temporary=True)
UNRECOVERABLE_POSITION = ErrorCode(112, "unrecoverable position")
CONFLICT = ErrorCode(113, "conflict", temporary=True)

ERROR_CODES = (
    INTERNAL_ERROR,
    UNAUTHORIZED,
    UNKNOWN_CHANNEL,
    PERMISSION_DENIED,
    METHOD_NOT_FOUND,
    ALREADY_SUBSCRIBED,
    LIMIT_EXCEEDED,
    BAD_REQUEST,
    NOT_AVAILABLE,
    TOKEN_EXPIRED,
    EXPIRED,
    TOO_MANY_REQUESTS,
    UNRECOVERABLE_POSITION,
    CONFLICT,
)

# RFC 6455 §7.4.1
NORMAL_CLOSURE = DisconnectCode(1000, "")
PROTOCOL_ERROR = DisconnectCode(1002, "protocol error")
UNSUPPORTED_DATA = DisconnectCode(1003, "text frames only")
ABNORMAL_CLOSURE = DisconnectCode(1006, "connection lost")
INVALID_PAYLOAD = DisconnectCode(1007, "invalid UTF-8")
MESSAGE_TOO_BIG = DisconnectCode(1009, "message too big")

# May return.
CONNECTION_CLOSED = DisconnectCode(3000, "connection closed")
SHUTDOWN = DisconnectCode(3001, "shutdown")
INTERNAL_SERVER_ERROR = DisconnectCode(3004, "internal server error")
CONNECTION_EXPIRED = DisconnectCode(3005, "connection expired")
SUBSCRIPTION_EXPIRED = DisconnectCode(3006, "subscription expired")
SLOW = DisconnectCode(3008, "slow")
WRITE_ERROR = DisconnectCode(3009, "write error")
INSUFFICIENT_STATE = DisconnectCode(3010, "insufficient state")
FORCE_RECONNECT = DisconnectCode(3011, "force reconnect")
NO_PONG = DisconnectCode(3012, "no pong")
REQUESTS_TOO_MANY = DisconnectCode(3013, "too many requests")

# Terminal.
INVALID_TOKEN = DisconnectCode(3500, "invalid token")
REQUEST_BROKEN = DisconnectCode(3501, "bad request")
STALE = DisconnectCode(3502, "stale")
FORCE_DISCONNECT = DisconnectCode(3503, "force disconnect")
CONNECTION_LIMIT = DisconnectCode(3504, "connection limit")
CHANNEL_LIMIT = DisconnectCode(3505, "channel limit")
INAPPROPRIATE_PROTOCOL = DisconnectCode(3506, "inappropriate protocol")
NOT_PERMITTED = DisconnectCode(3507, "permission denied")
MESSAGES_NOT_TAKEN = DisconnectCode(3508, "not available")
ERRORS_TOO_MANY = DisconnectCode(3509, "too many errors")

DISCONNECT_CODES = (
    NORMAL_CLOSURE,
    PROTOCOL_ERROR,
    UNSUPPORTED_DATA,
    ABNORMAL_CLOSURE,
    INVALID_PAYLOAD,
    MESSAGE_TOO_BIG,
    CONNECTION_CLOSED,
    SHUTDOWN,
    INTERNAL_SERVER_ERROR,
    CONNECTION_EXPIRED,
    SUBSCRIPTION_EXPIRED,
    SLOW,
    WRITE_ERROR,
    INSUFFICIENT_STATE,
    FORCE_RECONNECT,
    NO_PONG,
    REQUESTS_TOO_MANY,
    INVALID_TOKEN,
    REQUEST_BROKEN,
    STALE,
    FORCE_DISCONNECT,
    CONNECTION_LIMIT,
    CHANNEL_LIMIT,
    INAPPROPRIATE_PROTOCOL,
    NOT_PERMITTED,
    MESSAGES_NOT_TAKEN,
    ERRORS_TOO_MANY,
)


@attrs.frozen
class UnsubscribeCode:
    """End one subscription from the server's side; from 2500 on the client subscribes again by itself."""

    code: int
    reason: str


SERVER_UNSUBSCRIBE = UnsubscribeCode(2000, "server unsubscribe")
STATE_INSUFFICIENT = UnsubscribeCode(2500, "insufficient state")
SUBSCRIPTION_OVER = UnsubscribeCode(2501, "subscription expired")
