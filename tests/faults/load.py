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

ARRIVE_SECONDS = 30.0
"""For what was answered to be received, which takes milliseconds, also after an outage."""

CLIENT, BACK_END = "client-", "back-end-"
"""What the texts of the two publishers begin with; a number follows."""

__all__ = ["BACK_END", "CLIENT", "LOST", "Device", "Load", "loaded"]


class Device:
    """Be user 7's phone: come back whenever the connection is lost, and acknowledge everything.

    `received` has the epoch, the offset and the data of all that came, `gaps` the gap frames.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self.received: list[tuple[str, int, str]] = []
        self.gaps: list[dict[str, object]] = []
        self.connects = 0

    async def run(self) -> None:
        while True:
            try:
                async with dial(self._url) as client:
                    self.connects += 1
                    await self._listen(client)
            except* LOST:
                await trio.sleep(0.05)

    async def _listen(self, client) -> None:
        epoch, last = parse(client.hello["position"])
        while True:
            frame = await client.receive()
            if frame["type"] == "gap":
                self.gaps.append(frame)
                epoch, last = parse(frame["position"])
            elif frame["type"] == "message":
                assert frame["offset"] > last, f"{frame['offset']} after {last} in one connection"
                last = frame["offset"]
                self.received.append((epoch, last, frame["data"]))
                await client.send(type="ack", offset=last, epoch=epoch)

    def texts(self, epoch: str | None = None) -> list[str]:
        """Give what was received, or what was of one epoch, once per offset."""
        return list({(at, offset): data for at, offset, data in self.received if epoch in (None, at)}.values())


def parse(position: str) -> tuple[str, int]:
    """Give the epoch and the offset of a position."""
    epoch, _, offset = position.partition(":")
    return epoch, int(offset)


class Load:
    """Publish into user 7's inbox by both ways, and remember what was answered.

    `begun` has all that was tried to be published, `answered` the offset and the text of what was answered.
    """

    def __init__(self, url: str, redis_url: str) -> None:
        self._url, self._redis_url = url, redis_url
        self.begun: dict[str, None] = {}
        self.answered: list[tuple[int, str]] = []
        self.unanswered = {CLIENT: 0, BACK_END: 0}
        self.refused: list[object] = []
        self.stopping = False

    async def send_as_client(self) -> None:
        """Send as user 8 does."""
        texts = (f"{CLIENT}{number}" for number in itertools.count(1))
        text = next(texts)
        while not self.stopping:
            try:
                async with dial(self._url) as client:
                    while not self.stopping:
                        self.begun[text] = None
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
            for number in itertools.count(1):
                await self._publish(publisher, f"{BACK_END}{number}")
                if self.stopping:
                    return
                await trio.sleep(PAUSE)

    async def _publish(self, publisher: AsyncPublisher, text: str) -> None:
        while not self.stopping:
            self.begun[text] = None
            try:
                position = await publisher.send_to_user("7", text, id=text)
            except BrokerUnavailable:
                self.unanswered[BACK_END] += 1
                await trio.sleep(0.02)
            else:
                self.answered.append((position.offset, text))
                return

    def _note(self, answer: dict[str, object]) -> None:
        if answer.get("code") == 100:
            self.unanswered[CLIENT] += 1
        else:
            self.refused.append(answer)

    def answers(self, kind: str) -> int:
        """Count what one of the two publishers was answered."""
        return sum(text.startswith(kind) for _, text in self.answered)

    async def grows(self, by: int = 50) -> None:
        """Wait until so many more publications of each publisher were answered."""
        goals = {kind: self.answers(kind) + by for kind in (CLIENT, BACK_END)}
        await until(lambda: all(self.answers(kind) >= goal for kind, goal in goals.items()))


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
        await arrive({text for _, text in load.answered}, device)
        nursery.cancel_scope.cancel()


async def arrive(texts: set[str], device: Device, *, epoch: str | None = None) -> None:
    """Wait until all these texts were received (in one epoch); fails, and names some of them, where they are not."""
    missing = texts
    with trio.move_on_after(ARRIVE_SECONDS):
        while missing := missing.difference(device.texts(epoch)):
            await trio.sleep(0.02)
    assert not missing, f"{len(missing)} of {len(texts)} are missing, such as {sorted(missing)[:3]}"


def check_order(load: Load, device: Device) -> None:
    """Check that each text came with one offset, and those of one publisher in the order in which it published."""
    seen = {}
    for epoch, offset, data in device.received:
        assert seen.setdefault(data, (epoch, offset)) == (epoch, offset), f"{data} has two offsets"
    for kind in (CLIENT, BACK_END):
        numbers = [int(text.removeprefix(kind)) for text in device.texts() if text.startswith(kind)]
        assert numbers == sorted(numbers)
    assert all(seen[text][1] == offset for offset, text in load.answered)
