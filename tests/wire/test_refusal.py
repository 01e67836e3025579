"""A refusal is a whole HTTP response that says why, and what to do instead."""

from __future__ import annotations

import json

import h11
import pytest

from trio_gateway.model.codes import LIMIT_EXCEEDED
from trio_gateway.model.errors import BadRequest, InvalidChannel, LimitExceeded, PermissionDenied, Refused, Unauthorized
from trio_gateway.wire.refusal import RequestRefused, refusal_of, refusal_response


def parsed(response):
    """Read a response as a client does; return its status, its headers and its body."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/ws", headers=[("Host", "localhost")]))
    connection.receive_data(response)
    answer = connection.next_event()
    body = connection.next_event().data
    assert isinstance(connection.next_event(), h11.EndOfMessage)
    return answer.status_code, {name.decode(): value.decode() for name, value in answer.headers}, json.loads(body)


def test_the_response_carries_the_code_its_words_and_what_was_wrong():
    status, headers, body = parsed(refusal_response(RequestRefused(400, "the header Höst is malformed")))

    assert status == 400
    assert headers["content-type"] == "application/json"
    assert headers["connection"] == "close"
    assert body == {"code": 107, "message": "bad request", "detail": "the header Höst is malformed"}


def test_the_response_carries_further_headers():
    refused = RequestRefused(503, "full", error=LIMIT_EXCEEDED, headers=[("Retry-After", "7")])

    status, headers, body = parsed(refusal_response(refused))

    assert status == 503
    assert headers["retry-after"] == "7"
    assert body["code"] == 106


def test_the_response_that_names_an_upgrade_says_so_in_connection():
    _, headers, _ = parsed(refusal_response(RequestRefused(426, "WebSocket only", headers=[("Upgrade", "websocket")])))

    assert headers["upgrade"] == "websocket"
    assert headers["connection"] == "close, upgrade"


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        (BadRequest("device is empty"), 400, {"code": 107, "message": "bad request", "detail": "device is empty"}),
        (InvalidChannel("too long"), 400, {"code": 107, "message": "bad request", "detail": "too long"}),
        (PermissionDenied("origin"), 403, {"code": 103, "message": "permission denied", "detail": "origin"}),
        (LimitExceeded("too many"), 503, {"code": 106, "message": "limit exceeded", "detail": "too many"}),
        (LimitExceeded(), 503, {"code": 106, "message": "limit exceeded"}),
        (Refused(1000, "not today"), 403, {"code": 1000, "message": "not today"}),
        (Refused(401, "who are you?"), 401, {"code": 401, "message": "who are you?"}),
        (Refused(429, "slower"), 429, {"code": 429, "message": "slower"}),
        (Refused(1000, "later", temporary=True), 503, {"code": 1000, "message": "later"}),
    ],
)
def test_an_error_about_the_opening_becomes_a_refusal(error, status, body):
    answer = parsed(refusal_response(refusal_of(error)))

    assert (answer[0], answer[2]) == (status, body)


def test_who_is_unauthorized_learns_no_reason_but_the_scheme():
    status, headers, body = parsed(refusal_response(refusal_of(Unauthorized("the token is invalid: expired"))))

    assert status == 401
    assert headers["www-authenticate"] == "Bearer"
    assert body == {"code": 101, "message": "unauthorized"}


def test_too_many_connections_say_when_to_come_back():
    _, headers, _ = parsed(refusal_response(refusal_of(LimitExceeded())))

    assert int(headers["retry-after"]) > 0
