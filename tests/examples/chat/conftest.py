"""The chat's back end without a gateway: `cent` speaks to a fake of its HTTP API, httpx to the app."""

from __future__ import annotations

import json

import httpx
import pytest
from programs import lacking

try:
    import cent
    import itsdangerous  # noqa: F401
    import requests
except ImportError:
    lacking("what the examples need is not installed: pip install '.[examples]' does it")

from examples.chat.app import make_app
from examples.chat.keys import Keys
from examples.chat.people import People

KEYS = Keys("a token secret of 32 bytes or more", "an api key", "a cookie secret")
ORIGIN = "http://chat.example:7000"


class FakeGateway(requests.adapters.BaseAdapter):
    """Keep what is published as the gateway's HTTP API does: in each channel once for each idempotency key."""

    def __init__(self) -> None:
        super().__init__()
        self.published: dict[str, list[object]] = {}
        self.keys: set[tuple[str, str]] = set()
        self.refused: dict[str, dict[str, object]] = {}
        self.down = False

    def send(self, request, **options):
        if self.down:
            raise requests.exceptions.ConnectionError("connection refused")
        assert request.url == "http://gateway.example/api/broadcast"
        assert request.headers["X-API-Key"] == KEYS.api_key
        asked = json.loads(request.body)
        answers = [self._publish(channel, asked["data"], asked["idempotency_key"]) for channel in asked["channels"]]
        response = requests.Response()
        response.status_code = 200
        response._content = json.dumps({"result": {"responses": answers}}).encode()
        return response

    def _publish(self, channel, data, key):
        if channel in self.refused:
            return {"error": self.refused[channel]}
        kept = self.published.setdefault(channel, [])
        if (channel, key) not in self.keys:
            self.keys.add((channel, key))
            kept.append(data)
        return {"result": {"offset": len(kept), "epoch": "e"}}

    def close(self):
        pass


@pytest.fixture
def fake_gateway():
    return FakeGateway()


@pytest.fixture
def people(tmp_path):
    people = People(tmp_path / "people.sqlite3")
    yield people
    people.close()


@pytest.fixture
def app(fake_gateway, people):
    session = requests.Session()
    session.mount("http://gateway.example", fake_gateway)
    client = cent.Client("http://gateway.example/api", KEYS.api_key, session=session)
    return make_app(people=people, keys=KEYS, client=client, gateway_port=8000, allowed_hosts=["Chat.example"])


@pytest.fixture
def open_browser(app):
    """Give what opens a browser: something that keeps its cookies, and says where its pages come from."""

    def open_browser(**headers: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app)
        return httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers={"Origin": ORIGIN, **headers})

    return open_browser


@pytest.fixture
def log_in(open_browser):
    """Give what opens a browser that is somebody's."""

    async def log_in(name: str) -> httpx.AsyncClient:
        browser = open_browser()
        answer = await browser.post("/api/login", json={"name": name})
        assert answer.status_code == 200, answer.text
        return browser

    return log_in
