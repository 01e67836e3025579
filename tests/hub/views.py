"""Clients that want deltas, or some of the publications only, and check all that they get as an SDK's decoder would."""

from __future__ import annotations

import msgspec
from hub.clients import CENTRIFUGO, FakeClient, read_frames
from wire.fossil_decoder import apply_delta

from trio_gateway.model.tags_filter import read_filter


def wants(*values):
    """Make the filter that lets a publication through if its tag `k` is one of these."""
    return read_filter(msgspec.json.encode({"key": "k", "cmp": "in", "vals": list(values)}))


def tagged(value):
    return b'{"k":"%b"}' % value.encode()


class ViewClient(FakeClient):
    """Keep what came as pairs of offset and data; `patches` counts how many of them came as patches."""

    def __init__(self, hub, codec=CENTRIFUGO, *, delta=False, filter=None):
        super().__init__(hub, codec)
        self.delta = delta
        self.filter = filter
        self.received = []
        self.patches = 0
        self._base = None

    async def subscribe(self, channel, *, recover=None, latest=False, positioned=False, watches=False):
        """Subscribe, perhaps recovering, as a connection does; what came with the answer is received first."""
        subscription = await self.hub.subscribe(self.subscriber, channel, since=recover)
        subscription.delta, subscription.filter = self.delta, self.filter
        subscription.positioned, subscription.watches = positioned, watches
        self._base, self.epoch = None, subscription.epoch
        if recover is not None:
            replay = self.hub.replay_latest if latest else self.hub.replay
            replayed = await replay(subscription, recover, 100)
            for publication in replayed.publications:
                frame = CENTRIFUGO.encode_publication(CENTRIFUGO.publication_head("x", ""), publication)
                self._receive(read_frames(frame)[0]["push"]["pub"])
        subscription.start()
        return subscription

    def send_nowait(self, joined, frames):
        before = len(self.got)
        taken = super().send_nowait(joined, frames)
        self._receive_from(before)
        return taken

    async def send(self, data):
        assert data
        before = len(self.got)
        await super().send(data)
        self._receive_from(before)

    def _receive_from(self, place):
        for frame in self.got[place:]:
            if "pub" in frame["push"]:
                self._receive(frame["push"]["pub"])

    def _receive(self, publication):
        data = publication["data"]
        if not self.delta:
            assert "delta" not in publication
            data = msgspec.json.encode(data)
        elif publication.get("delta"):
            assert self._base is not None, "a patch came to a client that has nothing to patch"
            self.patches += 1
            data = self._base = apply_delta(self._base, data.encode())
        else:
            data = self._base = data.encode()
        self.received.append((publication.get("offset", 0), data))

    @property
    def offsets(self):
        return [offset for offset, _data in self.received if offset]
