"""A body that is no JSON, and JSON that is no request, are told apart here: the first is HTTP's fault, the second the caller's."""

from __future__ import annotations

import base64
import binascii
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from trio_gateway.broker.checks import check_json
from trio_gateway.model.errors import BadRequest, InvalidData

NULL = b"null"

Request = TypeVar("Request", bound=Struct)


class NoJson(Exception):
    """Refuse a body that is not JSON in UTF-8."""


def decode(body: bytes | Raw, request: type[Request]) -> Request:
    """Read a request; raises NoJson for what is no JSON, BadRequest for JSON that is no such request."""
    try:
        return msgspec.json.decode(body, type=request)
    except msgspec.ValidationError as error:
        # It is raised at the first field that is wrong, before the rest was read.
        check_syntax(body)
        raise BadRequest(str(error)) from None
    except RecursionError:
        raise BadRequest("the request is nested too deep") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NoJson(_fault(error) if body else "expected JSON, and not an empty body") from None


def check_syntax(body: bytes | Raw) -> None:
    """Raise NoJson for what is no JSON."""
    try:
        msgspec.json.decode(body, type=Raw)
    except RecursionError:
        raise BadRequest("the request is nested too deep") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NoJson(_fault(error)) from None


def _fault(error: Exception) -> str:
    return f"expected JSON: {str(error).removeprefix('JSON is malformed: ')}"


def data_of(data: Raw | UnsetType, b64data: str | None) -> bytes:
    """Give the JSON text of a publication's data, of which base64 goes first; raises BadRequest where there is none."""
    if b64data:
        return _from_base64(b64data, "b64data")
    if isinstance(data, UnsetType):
        raise BadRequest("data is missing")
    return bytes(data)


def passed_on(json: Raw | UnsetType, b64json: str | None = None, name: str = "") -> Raw | UnsetType:
    """Give JSON that is passed on to clients; UNSET where there is none, or null. Raises BadRequest where it is no JSON."""
    text = _from_base64(b64json, name) if b64json else NULL if isinstance(json, UnsetType) else bytes(json)
    check_json(text)
    return UNSET if text == NULL else Raw(text)


def as_written(json: bytes) -> Any:
    """Put JSON of the store into a result as it is: writers look at what a value is, and not at what its field says.

    Whatever a back end wrote there by itself, reading it must not fail.
    """
    return Raw(json)


def _from_base64(text: str, name: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidData(f"{name} is not base64 of JSON text") from None
