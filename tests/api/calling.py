"""An app with the API to call, without a network: over a memory broker, and nodes that write down what they are told."""

from __future__ import annotations

import attrs
import httpx

from tests.admin.asking import HEALTHY
from trio_gateway.admin.app import make_app
from trio_gateway.admin.try_page import TryPage
from trio_gateway.api.routes import make_routes
from trio_gateway.api.server_api import ServerApi
from trio_gateway.broker.limits import Limits
from trio_gateway.broker.memory import MemoryBroker
from trio_gateway.model.directives import NodeStatistics
from trio_gateway.settings.namespaces import ChannelRules, InboxRules, Namespaces
from trio_gateway.settings.settings import Settings

KEY = "a key that is long enough not to be guessed"
NAMESPACES = Namespaces(
    inbox=InboxRules(presence=True),
    without_namespace=ChannelRules(history_size=2000, presence=True),
    named={"brief": ChannelRules(history_size=3), "none": ChannelRules(history_size=0)},
)
SETTINGS = Settings(api_keys=KEY, namespaces=NAMESPACES, max_api_request_size=100_000)
NODE = NodeStatistics("9d2f", "one", "1.0.0", num_clients=3, num_users=2, num_subs=5, num_channels=4, uptime=60)


@attrs.define(slots=False)
class FakeControl:
    """Be the nodes: `told` is what they were told, `error` what they raise instead."""

    told: list = attrs.field(factory=list)
    subscribers: dict = attrs.field(factory=dict)
    error: Exception | None = None

    async def _hear(self, *words):
        if self.error is not None:
            raise self.error
        self.told.append(words[0] if len(words) == 1 else words)

    async def tell(self, directive):
        await self._hear(directive)

    async def forget(self, channel):
        await self._hear("forget", channel)

    async def channels(self, pattern):
        await self._hear("channels", pattern)
        return self.subscribers

    async def nodes(self):
        return [NODE]

    async def block_user(self, user, seconds):
        await self._hear("block_user", user, seconds)

    async def unblock_user(self, user):
        await self._hear("unblock_user", user)

    async def revoke_user_tokens(self, user):
        await self._hear("revoke_user_tokens", user)

    async def revoke_token(self, id, seconds):
        await self._hear("revoke_token", id, seconds)


class Caller:
    """Call the API as a back end with the right key does, unless other headers are given."""

    def __init__(self, settings=SETTINGS, broker=None):
        self.broker = broker or MemoryBroker(namespaces=settings.namespaces, limits=Limits.of(settings))
        self.control = FakeControl()
        self.api = ServerApi(settings, self.broker, self.control)
        self.app = make_app(lambda: HEALTHY, TryPage(), *make_routes(self.api, settings))

    async def ask(self, path, *, method="POST", headers=None, **content):
        headers = {"X-API-Key": KEY} if headers is None else headers
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:9000") as client:
            return await client.request(method, path, headers=headers, **content)

    async def post(self, method, request, **headers):
        """Call a method with the right key; answers the response."""
        return await self.ask(f"/api/{method}", json=request, headers={"X-API-Key": KEY, **headers})

    async def __call__(self, method, /, **request):
        """Call a method that answers in JSON; answers that."""
        response = await self.post(method, request)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"] == "application/json"
        return response.json()

    async def result(self, method, /, **request):
        answer = await self(method, **request)
        assert set(answer) == {"result"}, answer
        return answer["result"]

    async def error(self, method, /, **request):
        """Call a method that refuses; answers the code and the detail."""
        answer = await self(method, **request)
        assert set(answer) == {"error"}, answer
        return answer["error"]["code"], answer["error"].get("detail", "")
