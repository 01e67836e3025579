"""Load on a channel: a back end and clients publish in it, clients of the SDKs listen, and it is known what was answered.

A back end repeats what went unanswered with the same key. An SDK has no key to repeat with, so a client goes on to
the next one: what it was not answered may have been published or not.
"""

from __future__ import annotations

from contextlib import asynccontextmanager

import httpx
import trio
from e2e.gateway_process import until
from sdk.driving import Driver, SdkClient, SdkError
from sdk.nodes import Node, new_channel, token

ARRIVE_SECONDS = 30.0
"""For what was answered to be received, which takes milliseconds, also after an outage."""

BACK_END = "back end"
PAUSE = 0.005


class Listener:
    """Be one SDK's client in the channel, and one that publishes; `received` has the offset and the data of all that came."""

    def __init__(self, client: SdkClient, channel: str) -> None:
        self.client = client
        self._channel = channel

    @property
    def received(self) -> list[tuple[int, str]]:
        return [(each["offset"], each["data"]) for each in self.client.seen("publication", self._channel)]

    @property
    def texts(self) -> list[str]:
        return [text for _offset, text in self.received]

    @property
    def returns(self) -> int:
        """Count how often it subscribed again, whatever it recovered."""
        return len(self.client.seen("subscribed", self._channel))

    @property
    def losses(self) -> int:
        """Count how often it was told that something may be lost."""
        told = self.client.seen("subscribed", self._channel)
        return sum(each["was_recovering"] and not each["recovered"] for each in told)


class Load:
    """Publish in a channel, and remember what was begun and what was answered, in order."""

    def __init__(self, node: Node, channel: str) -> None:
        self.begun: list[str] = []
        self.answered: list[str] = []
        self.unanswered = 0
        self.stopping = False
        self.listeners: list[Listener] = []
        self._node = node
        self._channel = channel

    async def publish_as_back_end(self) -> None:
        number = 0
        while not self.stopping:
            number += 1
            text = f"{BACK_END} {number}"
            self.begun.append(text)
            while not self.stopping and not await self._post(text):
                self.unanswered += 1
                await trio.sleep(0.02)
            await trio.sleep(PAUSE)

    async def publish_as_client(self, name: str, client: SdkClient) -> None:
        number = 0
        while not self.stopping:
            number += 1
            text = f"{name} {number}"
            self.begun.append(text)
            try:
                await client.publish(self._channel, text)
            except SdkError:
                self.unanswered += 1
                await trio.sleep(0.02)
            else:
                self.answered.append(text)
            await trio.sleep(PAUSE)

    async def _post(self, text: str) -> bool:
        try:
            await self._node.api("publish", channel=self._channel, data=text, idempotency_key=text)
        except (httpx.TransportError, AssertionError):
            return False
        self.answered.append(text)
        return True

    async def grows(self, by: int = 50) -> None:
        """Wait until so many more publications were answered, of each publisher some."""
        kinds = {text.rpartition(" ")[0] for text in self.begun}
        before = len(self.answered)

        def grown() -> bool:
            new = self.answered[before:]
            return len(new) >= by and kinds == {text.rpartition(" ")[0] for text in new}

        await until(grown)

    async def arrive(self, texts: set[str]) -> None:
        """Wait until all these were received by each listener; fails, and names some, where they are not."""
        for listener in self.listeners:
            missing = texts
            with trio.move_on_after(ARRIVE_SECONDS):
                while missing := texts.difference(listener.texts):
                    await trio.sleep(0.02)
            assert not missing, f"{len(missing)} of {len(texts)} are missing, such as {sorted(missing)[:3]}"

    def check_order(self) -> None:
        """Check that each listener got nothing twice, and the publications of each publisher in order."""
        for listener in self.listeners:
            texts = listener.texts
            assert len(texts) == len(set(texts))
            for kind in {text.rpartition(" ")[0] for text in texts}:
                numbers = [int(text.rpartition(" ")[2]) for text in texts if text.startswith(f"{kind} ")]
                assert numbers == sorted(numbers)


@asynccontextmanager
async def loaded(node: Node, drivers: list[Driver]):
    """Run the load with one listener and one publisher of each SDK; at the end it stops, and everything answered must arrive."""
    channel = new_channel()
    load = Load(node, channel)
    async with trio.open_nursery() as nursery:
        publishers = []
        for user, driver in enumerate(drivers):
            for role in ("listener", "publisher"):
                client = await driver.open(nursery)
                await client.connect(node.sdk_url, *[token(f"{role} {user}")] * 50)
                await client.subscribe(channel)
                if role == "listener":
                    load.listeners.append(Listener(client, channel))
                else:
                    publishers.append((driver.name, client))
        async with trio.open_nursery() as publishing:
            publishing.start_soon(load.publish_as_back_end)
            for name, client in publishers:
                publishing.start_soon(load.publish_as_client, name, client)
            await until(lambda: len({text.rpartition(" ")[0] for text in load.begun}) == 1 + len(publishers))
            await load.grows()
            yield load
            load.stopping = True
        await load.arrive(set(load.answered))
        nursery.cancel_scope.cancel()
