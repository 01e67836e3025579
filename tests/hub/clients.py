"""Fake clients for the hub: an outlet that records frames and can block, and a writer task that polls."""

import msgspec
import trio

from trio_gateway.hub.subscription import Subscriber
from trio_gateway.wire.centrifugo import CentrifugoCodec
from trio_gateway.wire.plain import PlainCodec

CODEC = PlainCodec()
CENTRIFUGO = CentrifugoCodec("test")
CODECS = [CODEC, CENTRIFUGO]


def read_frames(data):
    """Split server frames (unmasked) into their JSON objects."""
    objects = []
    while data:
        length, header = data[1], 2
        if length == 126:
            length, header = int.from_bytes(data[2:4], "big"), 4
        elif length == 127:
            length, header = int.from_bytes(data[2:10], "big"), 10
        objects.append(msgspec.json.decode(data[header : header + length]))
        data = data[header + length :]
    return objects


class FakeClient:
    """Take frames while `open`; `room` bounds the number of frames that are taken without waiting."""

    def __init__(self, hub, codec=CODEC):
        self.hub = hub
        self.got = []
        self.room = None
        self.writes = 0
        self.readable = trio.Event()
        self.readable.set()
        self._woken = trio.Event()
        self.subscriber = Subscriber(self, codec, self.wake)

    def wake(self):
        self._woken.set()

    def send_nowait(self, joined, frames):
        assert joined == b"".join(frames)
        taken = len(frames) if self.room is None else min(self.room, len(frames))
        if self.room is not None:
            self.room -= taken
        self.writes += 1
        self.got += read_frames(b"".join(frames[:taken]))
        return taken

    async def send(self, data):
        await self.readable.wait()
        await trio.lowlevel.checkpoint()
        self.got += read_frames(data)

    def stall(self):
        """Take nothing any more, until `resume`."""
        self.room = 0
        if self.readable.is_set():
            self.readable = trio.Event()

    def resume(self):
        self.room = None
        self.readable.set()

    async def run(self):
        """Be the writer task."""
        while True:
            await self._woken.wait()
            self._woken = trio.Event()
            while self.subscriber.behind:
                for subscription in tuple(self.subscriber.behind):
                    await self.hub.catch_up.poll(subscription, self.send)

    async def subscribe(self, channel, *, positioned=False, watches=False, **options):
        subscription = await self.hub.subscribe(self.subscriber, channel, **options)
        subscription.positioned, subscription.watches = positioned, watches
        subscription.start()
        return subscription

    @property
    def offsets(self):
        return [news for news in self.news if isinstance(news, int)]

    @property
    def gaps(self):
        return [(frame.get("from"), frame.get("to")) for frame in self.got if frame.get("type") == "gap"]

    @property
    def news(self):
        """What came, in order: the offset of each publication, and the passage of each member as a pair."""
        return [one for one in map(_news, self.got) if one is not None]


def _news(frame):
    if "push" not in frame:
        return frame["offset"] if frame["type"] == "message" else None
    push = frame["push"]
    if "pub" in push:
        return push["pub"].get("offset", 0)
    return next((kind, push[kind]["info"]["client"]) for kind in ("join", "leave") if kind in push)
