"""Whatever ends a call becomes an answer here: its JSON, and the HTTP status where one is asked for."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from trio_gateway.api.results import ApiError
from trio_gateway.model import codes
from trio_gateway.model.errors import BrokerUnavailable, RequestError

OK = 200
BAD_REQUEST = 400

STATUS_OF: Mapping[int, int] = {
    codes.INTERNAL_ERROR.code: 500,
    codes.UNKNOWN_CHANNEL.code: 404,
    codes.METHOD_NOT_FOUND.code: 404,
    codes.BAD_REQUEST.code: BAD_REQUEST,
    codes.NOT_AVAILABLE.code: BAD_REQUEST,
    codes.UNRECOVERABLE_POSITION.code: 416,
    codes.CONFLICT.code: 409,
}
"""For callers that want errors as HTTP statuses."""


def error_of(error: RequestError | BrokerUnavailable) -> ApiError:
    """Make the error of an answer; what the raiser said of it is the detail."""
    standard = error.error_code
    return ApiError(standard.code, standard.message, str(error))


def result_json(result: msgspec.Struct, *, wrapped: bool) -> bytes:
    """Write a result, in `{"result": …}` where it is wrapped."""
    return msgspec.json.encode({"result": result} if wrapped else result)


def error_json(error: ApiError, *, as_status: bool) -> tuple[int, bytes]:
    """Write an error, with the HTTP status: 200, or one of its own where that is asked for."""
    if as_status:
        return STATUS_OF.get(error.code, BAD_REQUEST), msgspec.json.encode(error)
    return OK, msgspec.json.encode({"error": error})
