"""The paths of the API, under `/api/`: one for each method of the table, the OpenAPI document, and the page to read it.

The last two need no key: they are the same for every gateway of this release, and hold nothing of this one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec import Struct
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from trio_gateway.api.answers import BAD_REQUEST, OK, error_json, error_of, result_json
from trio_gateway.api.body import BodyTooLarge, read_body
from trio_gateway.api.decoding import NoJson
from trio_gateway.api.docs_page import show_docs
from trio_gateway.api.keys import Keys
from trio_gateway.api.methods import METHODS, Method
from trio_gateway.api.openapi import show_document
from trio_gateway.api.server_api import ServerApi
from trio_gateway.model.errors import BrokerUnavailable, RequestError
from trio_gateway.settings.settings import Settings

PREFIX = "/api"
ERROR_MODE = "x-centrifugo-error-mode"
AS_STATUS = "transport"
JSON = "application/json"
UNAUTHORIZED = 401
TOO_LARGE = 413
FRESH = {"Cache-Control": "no-store"}

Endpoint = Callable[[Request], Awaitable[Response]]


def make_routes(api: ServerApi, settings: Settings) -> list[Route]:
    """Make the routes for the app of the admin port; the settings say who may call, and how much at a time."""
    keys = Keys(settings.api_keys, settings.api_insecure)
    calls = [
        Route(
            f"{PREFIX}/{method.name}",
            _endpoint(api, method, keys, settings.max_api_request_size),
            methods=["POST"],
            name=method.name,
        )
        for method in METHODS.values()
    ]
    return [*calls, Route(f"{PREFIX}/openapi.json", show_document), Route(f"{PREFIX}/docs", show_docs)]


def _endpoint(api: ServerApi, method: Method, keys: Keys, limit: int) -> Endpoint:
    async def answer(request: Request) -> Response:
        if not keys.allow(request):
            return Response(status_code=UNAUTHORIZED, headers=FRESH)
        try:
            body = await read_body(request, limit)
        except BodyTooLarge:
            return _text(f"a request has at most {limit} bytes (max_api_request_size)", TOO_LARGE)
        except ClientDisconnect:
            return Response(status_code=BAD_REQUEST)  # which nobody reads
        as_status = request.headers.get(ERROR_MODE, "").lower() == AS_STATUS
        return await _answer(api, method, body, as_status=as_status)

    return answer


async def _answer(api: ServerApi, method: Method, body: bytes, *, as_status: bool) -> Response:
    try:
        result: Struct = await api.call(method.name, body)
    except NoJson as error:
        return _text(str(error), BAD_REQUEST)
    except (RequestError, BrokerUnavailable) as error:
        status, text = error_json(error_of(error), as_status=as_status)
        return Response(text, status, headers=FRESH, media_type=JSON)
    return Response(result_json(result, wrapped=method.wrapped), OK, headers=FRESH, media_type=JSON)


def _text(words: str, status: int) -> Response:
    return PlainTextResponse(words, status, headers=FRESH)
