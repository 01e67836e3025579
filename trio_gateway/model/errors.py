"""Errors say whose fault it is, and each class has one error code.

GatewayError
|- RequestError               who asked is at fault; nothing happened
|  |- BadRequest         107  malformed
|  |  |- InvalidChannel       empty, too long, or not UTF-8
|  |  |- InvalidData          not JSON
|  |  |- InvalidId            too long, or with control characters
|  |  |- PublicationTooLarge  past the size limit
|  |  `- UnknownSession       no client has that session, here or on that node
|  |- Unauthorized       101  no valid identity
|  |- UnknownChannel     102  no such namespace
|  |- PermissionDenied   103  not allowed
|  |- MethodNotFound     104  no such request
|  |- AlreadySubscribed  105
|  |- LimitExceeded      106  a bound of the settings
|  |- NotAvailable       108  switched off
|  |- TokenExpired       109  a new token is needed
|  |- Expired            110  the expiry asked for has passed
|  |- TooManyRequests    111  more than the client may ask in that time
|  |- Unrecoverable      112  the position asked for is of another epoch, or gone
|  |- Conflict           113  somebody else was faster
|  `- Refused             …   the application says no, in a code of its own
|- BrokerUnavailable     100  the store is away: the outcome is unknown, repeat with the same id
|  `- HookUnavailable    100  the application could not be asked: nothing happened, repeat later
|- Disconnected               the connection ends with this code (a hook may raise it)
|- ConfigurationError         the operator's settings; a command ends with exit code 2
`- StartFailed                the machine: a port is taken, no Valkey is there; a command ends with exit code 1
"""

from __future__ import annotations

from trio_gateway.model import codes


class GatewayError(Exception):
    """Be the parent of every error that this package raises on purpose."""


class RequestError(GatewayError):
    """Refuse one request: who asked is at fault, and nothing happened."""

    error_code = codes.BAD_REQUEST

    @property
    def code(self) -> int:
        """Give the number for the client, from the table in `model/codes.py`."""
        return self.error_code.code

    @property
    def detail(self) -> str:
        """Give what was wrong, for the one who asked."""
        return str(self)


class BadRequest(RequestError):
    """Refuse a malformed request (107)."""


class InvalidChannel(BadRequest):
    """Refuse a channel name that is empty, too long, or not UTF-8 (107)."""


class InvalidData(BadRequest):
    """Refuse data that is not JSON (107)."""


class UnknownSession(BadRequest):
    """Refuse a session that no client has, or no more (107)."""


class InvalidId(BadRequest):
    """Refuse an id that is too long or holds control characters (107)."""


class PublicationTooLarge(BadRequest):
    """Refuse data past the size limit (107)."""


class Unauthorized(RequestError):
    """Refuse a client without a valid identity (101)."""

    error_code = codes.UNAUTHORIZED


class UnknownChannel(RequestError):
    """Refuse a channel of a namespace that is not configured (102)."""

    error_code = codes.UNKNOWN_CHANNEL


class PermissionDenied(RequestError):
    """Refuse what this client may not do (103)."""

    error_code = codes.PERMISSION_DENIED


class MethodNotFound(RequestError):
    """Refuse a request of an unknown type (104)."""

    error_code = codes.METHOD_NOT_FOUND


class AlreadySubscribed(RequestError):
    """Refuse a second subscription to one channel by one client (105)."""

    error_code = codes.ALREADY_SUBSCRIBED


class LimitExceeded(RequestError):
    """Refuse what goes past a bound of the settings (106)."""

    error_code = codes.LIMIT_EXCEEDED


class NotAvailable(RequestError):
    """Refuse what is switched off here (108)."""

    error_code = codes.NOT_AVAILABLE


class TokenExpired(RequestError):
    """Refuse a token that has expired, or is not valid yet (109)."""

    error_code = codes.TOKEN_EXPIRED


class Expired(RequestError):
    """Refuse an expiry that has passed (110)."""

    error_code = codes.EXPIRED


class TooManyRequests(RequestError):
    """Refuse more than a client may ask in that time (111)."""

    error_code = codes.TOO_MANY_REQUESTS


class Unrecoverable(RequestError):
    """Refuse a position of another epoch, or one that can't be recovered from (112)."""

    error_code = codes.UNRECOVERABLE_POSITION


class Conflict(RequestError):
    """Refuse because somebody else was faster (113)."""

    error_code = codes.CONFLICT


class Refused(RequestError):
    """Refuse with a code of the application's own (400–1999), or with one of the protocol's."""

    def __init__(self, code: int, message: str, *, temporary: bool = False) -> None:
        super().__init__(message)
        self.error_code = codes.ErrorCode(code, message, temporary)


class BrokerUnavailable(GatewayError):
    """Tell that the store did not answer in time (100): the outcome is unknown, repeat with the same id."""

    error_code = codes.INTERNAL_ERROR

    @property
    def code(self) -> int:
        """Give the number for the client: 100."""
        return self.error_code.code

    @property
    def detail(self) -> str:
        """Give what a client may know of it: nothing, as the store's own words name hosts and paths."""
        return ""


class HookUnavailable(BrokerUnavailable):
    """Tell that the application could not be asked (100): nothing happened, and it may be repeated later."""

    @property
    def detail(self) -> str:
        """Give what a client may know of it: whoever raises this says no more."""
        return str(self)


class Disconnected(GatewayError):
    """End the connection with a close code of 3000–4999 and a reason of at most 123 bytes."""

    def __init__(self, disconnect: codes.DisconnectCode) -> None:
        super().__init__(f"{disconnect.code} {disconnect.reason}")
        self.disconnect = disconnect


class ConfigurationError(GatewayError):
    """Refuse the operator's settings: says which option and what was expected."""


class StartFailed(GatewayError):
    """Tell that the machine is at fault: a port is taken, or no Valkey is there (exit code 1)."""
