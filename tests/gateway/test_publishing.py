"""What clients publish goes to the store together, in their order, and each publication has its own answer."""

from __future__ import annotations

import msgspec
from gateway.peers import OPEN, request, serve_place
from wire.client_frames import client_frame

from trio_gateway.broker.limits import Limits
from trio_gateway.broker.memory import MemoryBroker
from trio_gateway.hooks.hooks import Hooks
from trio_gateway.settings.namespaces import Namespaces

NAMESPACES = Namespaces(named={"open": OPEN})


class CountingBroker(MemoryBroker):
    """Count what is published at once."""

    def __init__(self):
        super().__init__(namespaces=NAMESPACES, limits=Limits(max_publication_size=100))
        self.batches = []

    async def publish_all(self, drafts):
        self.batches.append([draft.data for draft in drafts])
        return await super().publish_all(drafts)


def frames(*requests):
    return b"".join(client_frame(msgspec.json.encode(request)) for request in requests)


def publish(data, ref, channel="open:x", **fields):
    return {"type": "publish", "channel": channel, "data": data, "ref": ref, **fields}


async def answers(peer, count):
    got = []
    while len(got) < count:
        frame = await peer.receive()
        if frame["type"] in ("ok", "error"):
            got.append((frame["ref"], frame.get("offset"), frame.get("code")))
    return got


async def test_publications_of_one_read_go_to_the_store_at_once(autojump_clock):
    broker = CountingBroker()
    async with serve_place(broker=broker, namespaces=NAMESPACES) as place:
        peer = await place.dial()
        await peer.write(frames(publish(1, "a"), publish(2, "b"), publish("x" * 200, "c"), publish(4, "d", id="i")))

        assert await answers(peer, 4) == [("a", 1, None), ("b", 2, None), ("c", None, 107), ("d", 3, None)]
        assert broker.batches == [[b"1", b"2", b'"' + b"x" * 200 + b'"', b"4"]]


async def test_what_follows_a_publication_is_asked_after_it(autojump_clock):
    broker = CountingBroker()
    async with serve_place(broker=broker, namespaces=NAMESPACES) as place:
        peer = await place.dial()
        subscribe = {"type": "subscribe", "channel": "open:x", "ref": "s"}
        await peer.write(frames(publish(1, "a"), publish(2, "b"), subscribe, publish(3, "c")))
        first, second, subscribed = [await peer.receive() for _ in range(3)]

        assert (first["offset"], second["offset"]) == (1, 2)
        assert subscribed["position"].endswith(":2")
        assert broker.batches == [[b"1", b"2"], [b"3"]]


async def test_what_was_published_before_the_protocol_was_broken_takes_effect_and_is_answered(autojump_clock):
    broker = CountingBroker()
    async with serve_place(broker=broker, namespaces=NAMESPACES) as place:
        peer = place.wire()
        await peer.write(request("/connection/websocket"))
        await peer.read_head()
        lines = [
            b'{"id":1,"connect":{}}',
            b'{"id":2,"publish":{"channel":"open:x","data":1}}',
            b'{"id":3,"publish":{"channel":"open:x","data":2}}',
            b"broken",
        ]
        await peer.write(client_frame(b"\n".join(lines)))
        got = [await peer.receive() for _ in range(3)]

        assert [answer["id"] for answer in got] == [1, 2, 3]
        assert (await peer.closed()).code == 3501
        assert broker.batches == [[b"1", b"2"]]


async def test_with_a_hook_each_publication_is_asked_about_before_the_next_one(autojump_clock):
    broker = CountingBroker()
    seen = []

    async def on_message(_client, message):
        seen.append((message.data, (await broker.read("open:x", 0, 10)).top))

    async with serve_place(broker=broker, namespaces=NAMESPACES, hooks=Hooks(on_message=on_message)) as place:
        peer = await place.dial()
        await peer.write(frames(publish(1, "a"), publish(2, "b")))

        assert await answers(peer, 2) == [("a", 1, None), ("b", 2, None)]
        assert seen == [(1, 0), (2, 1)]
        assert broker.batches == []


async def test_answers_keep_the_order_of_the_requests(autojump_clock):
    async with serve_place(broker=CountingBroker(), namespaces=NAMESPACES) as place:
        peer = await place.dial()
        unsubscribe = {"type": "unsubscribe", "channel": "open:x", "ref": "u"}
        await peer.write(frames(publish(1, "a"), unsubscribe, publish(2, "b"), publish(3, "c", channel="nowhere:x")))

        assert [ref for ref, _, _ in await answers(peer, 4)] == ["a", "u", "b", "c"]
