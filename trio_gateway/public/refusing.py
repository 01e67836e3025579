"""Every refusal of the public app is JSON in the form of a refused opening: a code, its words, and a detail for a person."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from trio_gateway.model.codes import BAD_REQUEST, INTERNAL_ERROR, METHOD_NOT_FOUND
from trio_gateway.model.errors import BrokerUnavailable, Disconnected, RequestError
from trio_gateway.wire.refusal import RequestRefused, refusal_of, unavailable

FRESH = {"Cache-Control": "no-store"}
"""No answer to a client is another's."""

NOWHERE = "GET / tells what is on this port; the HTTP API and the health checks are on the admin port"
"""Whoever asks for a path that is not here has mostly taken one port for the other."""


async def refuse(_: Request, error: Exception) -> Response:
    """Answer an error."""
    refused = _refused(error)
    return JSONResponse(refused.body, refused.status, headers={**FRESH, **dict(refused.headers)})


def _refused(error: Exception) -> RequestRefused:
    match error:
        case RequestRefused():
            return error
        case RequestError():
            return refusal_of(error)
        case BrokerUnavailable():
            return unavailable(error)
        case Disconnected():  # a hook's word for a client that it wants gone
            return RequestRefused(403, error.disconnect.reason, error=BAD_REQUEST)
        case HTTPException():
            return _refused_by_routing(error)
    return RequestRefused(500, error=INTERNAL_ERROR)  # the application's own functions may break with anything


def _refused_by_routing(error: HTTPException) -> RequestRefused:
    headers = error.headers or {}
    if error.status_code == 404:
        return RequestRefused(404, NOWHERE, error=METHOD_NOT_FOUND)
    detail = f"{headers['Allow']} only" if "Allow" in headers else error.detail
    return RequestRefused(error.status_code, detail, headers=tuple(headers.items()))
