"""Errors that only a client meets; the others are those of `trio_gateway.model.errors`.

GatewayError
|- ConnectionEnded    the server said not to come back
|- UpgradeRefused     the server's HTTP answer to the upgrade, where no error of the model fits it
|- ServerUntrusted    the server's TLS certificate is not one to trust
`- OutcomeUnknown     a request got no answer in time: it may have taken effect, or may not

Inside the package `LinkLost` says that one connection ended and the next one may do better; users
never see it.
"""

from __future__ import annotations

from trio_gateway.model import codes, errors
from trio_gateway.model.errors import GatewayError, RequestError


class ConnectionEnded(GatewayError):
    """Tell that the server ended the connection for good, with this close code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"the server ended the connection for good: {code} {reason}".rstrip())
        self.code = code
        self.reason = reason


class UpgradeRefused(GatewayError):
    """Tell that the server refused the WebSocket upgrade with this HTTP status; is the URL right?"""

    def __init__(self, status: int) -> None:
        super().__init__(f"the server refused the WebSocket with HTTP status {status}; is the URL right?")
        self.status = status


class ServerUntrusted(GatewayError):
    """Tell that the server's TLS certificate could not be verified; pass an `ssl_context` that trusts it."""


class OutcomeUnknown(GatewayError):
    """Tell that a request got no answer in time: repeat it with the same `id`, and it takes effect once.

    `id` is the publication's, given or made up; empty for requests that have none.
    """

    code = codes.INTERNAL_ERROR.code

    def __init__(self, request: str, id: str = "") -> None:
        repeat = f"; repeat it with id={id!r}" if id else ""
        super().__init__(f"no answer to the {request} in time, its outcome is unknown{repeat}")
        self.id = id


class LinkLost(Exception):
    """End one connection; another one may do better.

    `delay` is how many seconds the server wants to be left alone; with `exact`, that long and not
    longer, because the server spreads the returns itself.
    """

    def __init__(self, reason: str, *, delay: float = 0.0, exact: bool = False) -> None:
        super().__init__(reason)
        self.delay = delay
        self.exact = exact


BY_CODE: dict[int, type[RequestError]] = {
    kind.error_code.code: kind
    for kind in (
        errors.BadRequest,
        errors.Unauthorized,
        errors.UnknownChannel,
        errors.PermissionDenied,
        errors.MethodNotFound,
        errors.AlreadySubscribed,
        errors.LimitExceeded,
        errors.NotAvailable,
    )
}


def request_error(code: int, message: str) -> RequestError:
    """Make the error for a code that the server answered; an unknown code (an application's own) makes a RequestError."""
    error = BY_CODE.get(code, RequestError)(message)
    if error.code != code:
        error.error_code = codes.ErrorCode(code, message)
    return error
