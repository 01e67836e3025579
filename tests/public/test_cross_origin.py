"""A page of another origin reaches the clients' port only if it is allowed, and its browser is told so."""

from __future__ import annotations

import pytest
from public.public_place import ask, serve_public

PAGE = ("Origin", "https://app.test")
PREFLIGHT = [("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "content-type")]


@pytest.fixture
async def place():
    async with serve_public(allowed_origins=["https://app.test"]) as place:
        yield place


@pytest.mark.parametrize("path", ["/", "/emulation", "/ack?user=7", "/send?user=7"])
async def test_a_page_of_a_foreign_origin_is_refused_and_may_not_read_why(place, path):
    status, body, head = await ask(place, path, b"{}", headers=[("Origin", "https://evil.test")])

    assert (status, body["code"]) == (403, 103)
    assert "access-control" not in head


async def test_without_patterns_the_own_host_is_allowed_whatever_its_port():
    async with serve_public() as place:
        own = await ask(place, "/ack?user=7", b"{}", headers=[("Origin", "http://gateway.test:3000")])
        other = await ask(place, "/ack?user=7", b"{}", headers=[("Origin", "http://other.test")])

    assert (own[0], other[0]) == (400, 403)


@pytest.mark.parametrize("path", ["/emulation", "/connection/http_stream", "/sse", "/send"])
async def test_a_browser_that_asks_first_is_answered(place, path):
    status, body, head = await ask(place, path, method="OPTIONS", headers=[PAGE, *PREFLIGHT])

    assert (status, body) == (204, None)
    assert "access-control-allow-origin: https://app.test\r\n" in head
    assert "access-control-allow-methods: GET, POST\r\n" in head
    assert "access-control-allow-headers: content-type\r\n" in head


async def test_a_foreign_page_that_asks_first_is_refused(place):
    foreign = ("Origin", "https://evil.test")
    status, _, head = await ask(place, "/emulation", method="OPTIONS", headers=[foreign, *PREFLIGHT])

    assert status == 403
    assert "access-control" not in head


@pytest.mark.parametrize("body", [b'{"session":"x","node":"x","data":"{}"}', b"{"])
async def test_answers_and_refusals_may_be_read_by_an_allowed_page(place, body):
    _, _, head = await ask(place, "/emulation", body, headers=[PAGE])

    assert "access-control-allow-origin: https://app.test\r\n" in head
    assert "access-control-allow-credentials: true\r\n" in head
    assert "vary: Origin\r\n" in head


@pytest.mark.parametrize("path", ["/ack?user=7", "/sse"])
async def test_where_every_origin_is_allowed_the_page_is_named_so_that_its_cookies_count(path):
    """A browser that sends cookies takes no `*` for an answer (Fetch §3.3.3)."""
    async with serve_public(allowed_origins=["*"]) as place:
        _, _, head = await ask(place, path, b"{" if "ack" in path else None, headers=[PAGE])

    assert "access-control-allow-origin: https://app.test\r\n" in head.lower()
    assert "access-control-allow-credentials: true\r\n" in head.lower()


async def test_who_is_no_browser_passes(place):
    assert "access-control" not in (await ask(place, "/"))[2]
