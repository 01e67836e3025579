"""A refused request is one HTTP/1.1 response, after which the link closes.

Its JSON body is `{"code":…,"message":…}` in the code's standard words, and a `detail` for a person
where there is one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

import msgspec

from trio_gateway.model.codes import BAD_REQUEST, ErrorCode
from trio_gateway.model.errors import (
    BrokerUnavailable,
    GatewayError,
    LimitExceeded,
    PermissionDenied,
    Refused,
    RequestError,
    TooManyRequests,
    Unauthorized,
    UnknownSession,
)

Headers = Sequence[tuple[str, str]]

_STATUS: dict[type[RequestError], tuple[int, Headers]] = {
    # A 401 names the scheme that would have been taken (RFC 9110 §11.6.1).
    Unauthorized: (401, (("WWW-Authenticate", "Bearer"),)),
    PermissionDenied: (403, ()),
    UnknownSession: (404, ()),
    LimitExceeded: (503, (("Retry-After", "5"),)),
    TooManyRequests: (429, (("Retry-After", "1"),)),
}
"""The HTTP status of each kind of error; every other one is a 400."""

_OF_APPLICATION: dict[int, tuple[int, Headers]] = {
    101: _STATUS[Unauthorized],
    401: _STATUS[Unauthorized],
    404: (404, ()),
    429: (429, (("Retry-After", "5"),)),
}
"""The HTTP status of a code by which the application refuses; every other one is a 403."""


class RequestRefused(GatewayError):
    """Refuse a request, and carry everything for the response.

    Attributes:
        status: The HTTP status, 400–599.
        code: The number in the body, from the table in `model/codes.py`.
        message: The code's standard words.
        detail: What was wrong, for a person; may be empty.
        headers: What the response has besides its length, type and `Connection: close`.
    """

    def __init__(self, status: int, detail: str = "", *, error: ErrorCode = BAD_REQUEST, headers: Headers = ()) -> None:
        super().__init__(f"{status} {detail or error.message}")
        self.status = status
        self.code = error.code
        self.message = error.message
        self.detail = detail
        self.headers = tuple(headers)

    @property
    def body(self) -> Mapping[str, object]:
        """Give the JSON object of the response."""
        detail = {"detail": self.detail} if self.detail else {}
        return {"code": self.code, "message": self.message, **detail}


def refusal_of(error: RequestError) -> RequestRefused:
    """Turn an error about the opening into the refusal of the request.

    Who is unauthorized learns no reason: that is for the log.
    """
    if isinstance(error, Refused):
        temporary = (503, (("Retry-After", "1"),)) if error.error_code.temporary else (403, ())
        status, headers = _OF_APPLICATION.get(error.code, temporary)
        return RequestRefused(status, error=error.error_code, headers=headers)
    status, headers = _STATUS.get(type(error), (400, ()))
    detail = "" if isinstance(error, Unauthorized) else error.detail
    return RequestRefused(status, detail, error=error.error_code, headers=headers)


def unavailable(error: BrokerUnavailable) -> RequestRefused:
    """Refuse a request because the store, or the application, did not answer: the client may come back soon."""
    return RequestRefused(503, error.detail, error=error.error_code, headers=(("Retry-After", "1"),))


def refusal_response(refused: RequestRefused, more: Headers = (), *, bare: bool = False) -> bytes:
    """Write the whole HTTP/1.1 response of a refusal, with `more` headers; the caller closes the link after it.

    `bare` leaves out the body, which nothing that answers HEAD may have (RFC 9110 §9.3.2).
    """
    body = msgspec.json.encode(refused.body)
    # An Upgrade header counts only when Connection names it (RFC 9110 §7.8).
    connection = "close, upgrade" if any(name == "Upgrade" for name, _ in refused.headers) else "close"
    headers = (
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Connection", connection),
        *refused.headers,
        *more,
    )
    lines = [f"HTTP/1.1 {refused.status} {HTTPStatus(refused.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + (b"" if bare else body)
