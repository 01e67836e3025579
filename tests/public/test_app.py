"""What stands on the clients' port besides the endpoints, and what everything else there is answered."""

from __future__ import annotations

import pytest
from admin.asking import HEALTHY, sick
from public.public_place import ask, serve_public

from trio_gateway.admin.health_routes import health_routes


@pytest.fixture
async def place():
    async with serve_public() as place:
        yield place


async def test_the_front_page_tells_what_this_is(place):
    status, page, head = await ask(place, "/")

    assert status == 200
    assert "content-type: text/html; charset=utf-8" in head
    assert "content-security-policy: default-src 'none'" in head
    assert "connect-src 'self'" in head  # what the page shows can be tried in its own console
    assert place.node.version in page.decode()
    for path in place.node.endpoints:
        assert path.removeprefix("/connection/") in page.decode()


async def test_what_is_nowhere_is_refused_in_json(place):
    status, body, _ = await ask(place, "/api/publish", {})

    assert (status, body["code"], body["message"]) == (404, 104, "method not found")
    assert "the HTTP API and the health checks are on the admin port" in body["detail"]


@pytest.mark.parametrize("path", ["/emulation", "/ack", "/send", "/publish"])
async def test_the_wrong_method_is_refused_in_json(place, path):
    status, body, head = await ask(place, path)

    assert (status, body["code"], body["detail"]) == (405, 107, "POST only")
    assert "allow: POST" in head


async def test_nobody_is_sent_elsewhere_for_a_slash(place):
    """A redirect would name this server's own scheme and host, which behind a proxy are not the client's."""
    assert (await ask(place, "/client.js/"))[0] == 404
    assert (await ask(place, "/emulation/", {}))[0] == 404


async def test_an_upgrade_at_no_endpoint_learns_where_they_are(place):
    headers = [("Upgrade", "websocket"), ("Connection", "Upgrade")]
    status, body, _ = await ask(place, "/socket", headers=headers)

    assert (status, body["code"]) == (404, 104)
    assert "/ws or /connection/websocket" in body["detail"]


async def test_health_is_answered_only_where_it_is_wanted(place):
    assert (await ask(place, "/health"))[0] == 404

    async with serve_public(*health_routes(lambda: HEALTHY)) as healthy:
        assert (await ask(healthy, "/health/live"))[1] == {"status": "live"}
        assert (await ask(healthy, "/health/ready"))[1] == {"status": "ready"}
    async with serve_public(*health_routes(lambda: sick("the store is away"))) as ill:
        assert (await ask(ill, "/health/ready"))[0] == 503
