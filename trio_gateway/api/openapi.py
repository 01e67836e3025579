"""The OpenAPI 3.1 document of the API, made from the table of methods and the types in it."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from trio_gateway.api.answers import STATUS_OF
from trio_gateway.api.methods import METHODS, Method
from trio_gateway.api.results import ApiError

REFERENCE = "#/components/schemas/{name}"
ABOUT = """\
Publish, and control who is connected. Every call answers with status 200 and either a `result` or an `error`; \
with the header `X-Centrifugo-Error-Mode: transport` errors have a status of their own."""

HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

ERROR_MODE = {
    "name": "X-Centrifugo-Error-Mode",
    "in": "header",
    "description": "`transport` asks for errors with a status of their own.",
    "schema": {"type": "string"},
}

SECURITY_SCHEMES = {
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "One of `api_keys`."},
    "authorization": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`apikey`, a blank, and one of `api_keys`.",
    },
    "query": {
        "type": "apiKey",
        "in": "query",
        "name": "api_key",
        "description": "One of `api_keys`; logs of proxies may keep it.",
    },
}


async def show_document(_: Request) -> Response:
    """Answer with the document."""
    return Response(msgspec.json.encode(make_document()), headers=HEADERS, media_type="application/json")


@cache
def make_document() -> dict[str, Any]:
    """Make the document."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "trio-gateway server API", "version": version("trio-gateway"), "description": ABOUT},
        "servers": [{"url": "/"}],
        "security": [{name: []} for name in SECURITY_SCHEMES],
        "tags": [{"name": "methods", "description": "All of them are called by POST, with JSON."}],
        "paths": {f"/api/{method.name}": {"post": _operation(method)} for method in METHODS.values()},
        "components": {"schemas": schemas(), "securitySchemes": SECURITY_SCHEMES},
    }


@cache
def schemas() -> dict[str, Any]:
    """Make the schemas of all requests and results, by the names of their types."""
    types = [ApiError, *(kind for method in METHODS.values() for kind in (method.request, method.result))]
    _, components = msgspec.json.schema_components(types, ref_template=REFERENCE)
    return components


def _operation(method: Method) -> dict[str, Any]:
    return {
        "operationId": method.name,
        "summary": method.sentence,
        "tags": ["methods"],
        "parameters": [ERROR_MODE],
        "requestBody": {
            "required": True,
            "content": _json(_reference(method.request), method.example),
        },
        "responses": {
            "200": {"description": "The result, or why there is none.", "content": _answer(method)},
            **_statuses(method),
        },
    }


def _answer(method: Method) -> dict[str, Any]:
    result = _reference(method.result)
    shapes = [_only("result", result) if method.wrapped else result, _only("error", _reference(ApiError))]
    return _json({"anyOf": shapes}, {"result": method.answer} if method.wrapped else method.answer)


def _statuses(method: Method) -> dict[str, Any]:
    """Describe a method's answers with other statuses: those of HTTP, and those of its errors where they are asked for."""
    error = {"application/json": {"schema": _reference(ApiError)}}
    text = {"text/plain": {"schema": {"type": "string"}}}
    words = {status: _words(status, method) for status in sorted({STATUS_OF[code.code] for code in method.errors})}
    return {
        **{
            str(status): {"description": f"With `transport`: {told}.", "content": error}
            for status, told in words.items()
        },
        "400": {"description": f"No JSON; with `transport`: {words[400]}.", "content": {**text, **error}},
        "401": {"description": "A key is missing, or wrong."},
        "413": {"description": "The request is larger than `max_api_request_size`.", "content": text},
    }


def _words(status: int, method: Method) -> str:
    return " or ".join(
        f"error {code.code} ({code.message})" for code in method.errors if STATUS_OF[code.code] == status
    )


def _reference(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return {"$ref": REFERENCE.format(name=kind.__name__)}


def _only(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {name: schema}, "required": [name]}


def _json(schema: dict[str, Any], example: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema, "example": example}}
