"""What HTTP says around the API: who may call, how large a request is, and which statuses there are."""

from __future__ import annotations

import logging

import attrs
import pytest
import trio

from tests.api.calling import KEY, SETTINGS, Caller
from trio_gateway.api.keys import Keys
from trio_gateway.api.methods import METHODS
from trio_gateway.model.errors import BrokerUnavailable

OTHER = "another key that is long enough, with ü in it"
LIMIT = SETTINGS.max_api_request_size


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/api/info", {"X-API-Key": KEY}),
        ("/api/info", {"Authorization": f"apikey {KEY}"}),
        ("/api/info", {"Authorization": f"APIKey {KEY}"}),
        (f"/api/info?api_key={KEY}", {}),
        ("/api/info", {"X-API-Key": OTHER.encode()}),
        (f"/api/info?api_key={OTHER}", {}),
    ],
)
async def test_each_key_opens_it_in_each_of_three_places(path, headers):
    caller = Caller(attrs.evolve(SETTINGS, api_keys=[KEY, OTHER]))
    assert (await caller.ask(path, headers=headers, json={})).status_code == 200


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/api/info", {}),
        ("/api/info", {"X-API-Key": ""}),
        ("/api/info", {"X-API-Key": KEY[:-1]}),
        ("/api/info", {"X-API-Key": KEY + "x"}),
        (f"/api/info?api_key={KEY}", {"X-API-Key": "wrong"}),
        ("/api/info", {"Authorization": f"Bearer {KEY}"}),
        ("/api/info", {"Authorization": "apikey"}),
        ("/api/info?api_key=", {}),
        ("/api/info?api_key=%ff%ed%a0%80", {}),
        ("/api/info", {"X-API-Key": b"\xff"}),
    ],
)
async def test_without_a_key_that_is_known_nothing_is_done(call, path, headers):
    answer = await call.ask(path, headers=headers, content="not even JSON")
    assert (answer.status_code, answer.content) == (401, b"")
    assert answer.headers["cache-control"] == "no-store"


async def test_without_any_key_it_is_closed_and_the_log_says_so_once(caplog):
    caller = Caller(attrs.evolve(SETTINGS, api_keys=()))
    with caplog.at_level(logging.WARNING):
        for headers in ({}, {"X-API-Key": ""}, {"X-API-Key": KEY}):
            assert (await caller.ask("/api/info", headers=headers, json={})).status_code == 401
    assert [record.message for record in caplog.records] == [
        "the HTTP API was called and is closed: no api_keys are set"
    ]


async def test_insecure_needs_no_key_but_serves_no_page_of_another_site():
    caller = Caller(attrs.evolve(SETTINGS, api_keys=(), api_insecure=True))
    assert (await caller.ask("/api/info", headers={}, json={})).status_code == 200
    for site in ("cross-site", "same-site"):
        assert (await caller.ask("/api/info", headers={"Sec-Fetch-Site": site}, json={})).status_code == 401


def test_keys_are_not_shown():
    assert KEY not in repr(Keys((KEY,)))


@pytest.mark.parametrize("method", METHODS)
async def test_every_method_of_the_table_is_carried_out(call, method):
    answer = await call.post(method, METHODS[method].example)
    assert answer.status_code == 200
    assert "error" not in answer.json() or method in ("rpc", "presence", "presence_stats")


@pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE"])
async def test_another_http_method_is_405(call, verb):
    answer = await call.ask("/api/publish", method=verb)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nothing", "/api/Publish"])
async def test_an_unknown_path_is_404(call, path):
    assert (await call.ask(path, json={})).status_code == 404


@pytest.mark.parametrize("body", [b"", b"{", b"{}x", b"{'a': 1}", b"\xff", b'{"channel": 1, ', b'{"channel": "\xff"}'])
async def test_a_body_that_is_no_json_is_400_in_words(call, body):
    answer = await call.ask("/api/publish", content=body)
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/plain")
    assert "JSON" in answer.text


@pytest.mark.parametrize(
    "body", [b"[]", b"5", b"null", b'"x"', b'{"channel":"a","data":' + b"[" * 9999 + b"]" * 9999 + b"}"]
)
async def test_json_that_is_no_request_is_error_107_with_a_detail(call, body):
    answer = await call.ask("/api/publish", content=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["message"]) == (200, 107, "bad request")
    assert error["detail"]


async def test_the_content_type_does_not_matter(call):
    headers = {"X-API-Key": KEY, "Content-Type": "text/html"}
    assert (await call.ask("/api/info", headers=headers, content="{}")).json()["result"]


@pytest.mark.parametrize(
    ("method", "request_", "status", "code"),
    [
        ("publish", {"channel": "nowhere:x", "data": 1}, 404, 102),
        ("rpc", {"method": "x"}, 404, 104),
        ("publish", {}, 400, 107),
        ("presence", {"channel": "none:x"}, 400, 108),
        ("history", {"channel": "news", "since": {"epoch": "x"}}, 416, 112),
        ("disconnect", {}, 500, 100),
    ],
)
async def test_errors_are_statuses_where_that_is_asked_for(call, method, request_, status, code):
    call.control.error = BrokerUnavailable("away")
    answer = await call.post(method, request_, **{"X-Centrifugo-Error-Mode": "transport"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert set(answer.json()) == {"code", "message", "detail"}


async def test_a_request_at_the_limit_is_read(call):
    body = b'{"pattern": ""}'.ljust(LIMIT)
    assert (await call.ask("/api/channels", content=body)).status_code == 200


async def test_one_past_the_limit_is_413(call):
    answer = await call.ask("/api/info", content=b"{}".ljust(LIMIT + 1))
    assert (answer.status_code, "max_api_request_size" in answer.text) == (413, True)


async def test_past_the_limit_no_more_is_read_also_where_no_length_is_told(call):
    sent = 0

    async def receive():
        nonlocal sent
        await trio.lowlevel.checkpoint()
        sent += 60_000
        return {"type": "http.request", "body": b" " * 60_000, "more_body": True}

    told = []

    async def send(message):
        told.append(message)

    headers = [(b"x-api-key", KEY.encode()), (b"host", b"localhost")]
    scope = {"type": "http", "method": "POST", "path": "/api/info", "headers": headers, "query_string": b""}
    await call.app({**scope, "http_version": "1.1", "root_path": ""}, receive, send)
    assert (told[0]["status"], sent) == (413, 120_000)


async def test_a_caller_who_goes_in_the_middle_is_no_error(call):
    async def receive():
        await trio.lowlevel.checkpoint()
        return {"type": "http.disconnect"}

    async def send(_message):
        pass

    headers = [(b"x-api-key", KEY.encode())]
    scope = {"type": "http", "method": "POST", "path": "/api/disconnect", "headers": headers, "query_string": b""}
    await call.app({**scope, "http_version": "1.1", "root_path": ""}, receive, send)
    assert call.control.told == []


async def test_health_answers_beside_it(call):
    assert (await call.ask("/health/ready", method="GET", headers={})).status_code == 200
