"""Load with a memory: everything that was answered must reach a device that comes back, in order, nothing twice.

Publishers repeat what went unanswered with the same id, as the protocol asks. The device is a stock
client that acknowledges all it gets, and that loses its connection whenever the gateway does.
"""

from __future__ import annotations

import itertools
from contextlib import asynccontextmanager

import trio
from e2e.gateway_process import until
from e2e.stock_client import ConnectionClosed, InvalidStatus, dial
from websockets.exceptions import InvalidHandshake, InvalidMessage

from trio_gateway.model.errors import BrokerUnavailable
from trio_gateway.publisher import AsyncPublisher

LOST = (ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus, OSError, EOFError, trio.TooSlowError)
PAUSE = 0.002
"""Seconds between two publications of one publisher: some 200 a second each."""

__all__ = ["LOST", "Device", "Load", "loaded"]


class Device:
    """Be user 7's phone: come back whenever the connection is lost, and acknowledge everything."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.received: list[tuple[str, int, object]] = []
        self.gaps: list[dict[str, object]] = []
        self.errors: list[dict[str, object]] = []
        self.connects = 0
        self.closes: list[int] = []
        self._epoch = ""

    async def run(self) -> None:
        while True:
            try:
                async with dial(self._url) as client:
                    self.connects += 1
                    await self._listen(client)
            except* LOST:
                await trio.sleep(0.05)

    async def _listen(self, client) -> None:
        last = 0
        self._epoch = client.hello["position"].partition(":")[0]
        while True:
            frame = await client.receive()
            if frame["type"] == "gap":
                self.gaps.append(frame)
                self._epoch, last = frame["position"].partition(":")[0], 0
            elif frame["type"] == "message":
                assert frame["offset"] > last, f"{frame['offset']} after {last} in one connection"
                last = frame["offset"]
                self.received.append((self._epoch, last, frame["data"]))
                await client.send(type="ack", offset=last, epoch=self._epoch)

    @property
    def texts(self) -> list[object]:
        """Give what was received, once per offset."""
        return list({(epoch, offset): data for epoch, offset, data in self.received}.values())


class Load:
    """Publish into user 7's inbox by both ways, and remember what was answered."""

    def __init__(self, url: str, redis_url: str) -> None:
        self._url, self._redis_url = url, redis_url
        self.answered: list[tuple[int, str]] = []
        self.unanswered = 0
        self.refused: list[object] = []
        self.stopping = False
        self._numbers = itertools.count(1)

    async def send_as_client(self) -> None:
        """Send as user 8 does."""
        texts = (f"client-{number}" for number in self._numbers)
        text = next(texts)
        while not self.stopping:
            try:
                async with dial(self._url) as client:
                    while not self.stopping:
                        answer = await client.ask(type="send", to="7", data=text, id=text)
                        if answer["type"] == "ok":
                            self.answered.append((answer["offset"], text))
                            text = next(texts)
                        else:
                            self._note(answer)
                        await trio.sleep(PAUSE)
            except* LOST:
                await trio.sleep(0.05)

    async def publish_as_back_end(self) -> None:
        """Publish past the gateway."""
        async with AsyncPublisher(self._redis_url) as publisher:
            for number in self._numbers:
                text = f"back-end-{number}"
                while not self.stopping:
                    try:
                        position = await publisher.send_to_user("7", text, id=text)
                        self.answered.append((position.offset, text))
                        break
                    except BrokerUnavailable:
                        self.unanswered += 1
                        await trio.sleep(0.02)
                if self.stopping:
                    return
                await trio.sleep(PAUSE)

    def _note(self, answer: dict[str, object]) -> None:
        if answer.get("code") == 100:
            self.unanswered += 1
        else:
            self.refused.append(answer)

    async def grows(self, by: int = 100) -> None:
        """Wait until so many more publications were answered."""
        goal = len(self.answered) + by
        await until(lambda: len(self.answered) >= goal)


@asynccontextmanager
async def loaded(gateway, redis_url: str):
    """Run the load and the device; at the end the load stops, and everything answered must arrive."""
    load, device = Load(gateway.url(user="8"), redis_url), Device(gateway.url(user="7", device="phone"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(device.run)
        await until(lambda: device.connects)
        async with trio.open_nursery() as publishers:
            publishers.start_soon(load.send_as_client)
            publishers.start_soon(load.publish_as_back_end)
            await load.grows()
            yield load, device
            load.stopping = True
        answered = {text for _, text in load.answered}
        with trio.move_on_after(30):
            await until(lambda: answered <= {data for _, _, data in device.received})
        nursery.cancel_scope.cancel()
    missing = answered - {data for _, _, data in device.received}
    assert not missing, f"{len(missing)} of {len(answered)} are missing, such as {sorted(missing)[:3]}"


def check_order(load: Load, device: Device) -> None:
    """Check that each text came with one offset, and those of one publisher in the order in which it published."""
    seen = {}
    for epoch, offset, data in device.received:
        assert seen.setdefault(data, (epoch, offset)) == (epoch, offset), f"{data} has two offsets"
    for kind in ("client-", "back-end-"):
        numbers = [int(text.rpartition("-")[2]) for text in device.texts if text.startswith(kind)]
        assert numbers == sorted(numbers)
    assert all(seen[text][1] == offset for offset, text in load.answered)
