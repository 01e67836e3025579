"""Stories of clients that want deltas, or some of the publications only; in one of them the store loses what it had."""

from __future__ import annotations

from contextlib import suppress

import msgspec
import trio
from hub.views import ViewClient, tagged, wants
from trio.testing import wait_all_tasks_blocked

from trio_gateway.hub.subscription import InsufficientState
from trio_gateway.model.errors import BadRequest
from trio_gateway.model.position import START, Position
from trio_gateway.model.presence import Member

TAGS = "abc"


class Story:
    """Let things happen to clients of all kinds, by chance."""

    channels = ("delta:a", "delta:b")
    happenings = "pppppppujjjsssttldr"
    client_type = ViewClient

    def __init__(self, chance, broker, hub, nursery):
        self.chance, self.broker, self.hub, self.nursery = chance, broker, hub, nursery
        self.there = []
        self.gone = []
        self.published = {channel: {} for channel in self.channels}
        self.unkept = set()
        self.order = {}
        self.state = {channel: {f"field {n}": n for n in range(12)} for channel in self.channels}

    def new_client(self):
        kind = self.chance.choice(["delta", "delta", "filter", "filter", "plain"])
        values = self.chance.choice([("a",), ("b", "c"), ()]) or ("none",)
        client = self.client_type(self.hub, delta=kind == "delta", filter=wants(*values) if kind == "filter" else None)
        client.values = values if kind == "filter" else TAGS
        self.nursery.start_soon(client.run)
        return client

    async def join(self, channel, recover=None, before=None):
        client = self.new_client()
        if before is not None:
            client.delta, client.filter, client.values = before.delta, before.filter, before.values
        subscription = await client.subscribe(channel, recover=recover)
        start = subscription.cursor if recover is None else recover.offset
        self.there.append((client, subscription, start))

    async def publish(self, *, skip_history=False):
        for _ in range(self.chance.randint(1, 6)):
            channel, tag = self.chance.choice(self.channels), self.chance.choice(TAGS)
            fields = self.state[channel]
            fields["number"] = len(self.order)
            fields[f"field {self.chance.randrange(20)}"] = (
                self.chance.random() if self.chance.random() < 0.9 else "ж" * 99
            )
            data = msgspec.json.encode(fields)
            self.order[data] = (len(self.order), tag)
            position = await self.broker.publish(
                channel, data, tags=tagged(tag), skip_history=skip_history, delta=self.chance.random() < 0.5
            )
            if position.offset:
                self.published[channel][position.offset] = (data, tag)
            else:
                self.unkept.add(data)

    def leave(self):
        """Leave, and perhaps come back with what was received last."""
        client, subscription, start = self.there.pop(self.chance.randrange(len(self.there)))
        if subscription.topic.epoch and self.chance.random() < 0.7:
            position = Position(subscription.topic.epoch, max([start, *client.offsets]))
            self.nursery.start_soon(self.join, subscription.topic.channel, position, client)
        self.hub.unsubscribe(subscription)
        client.subscriber.behind.clear()
        client.room = 0
        self.gone.append((client, subscription))

    async def happen(self):
        match self.chance.choice(self.happenings):
            case "p":
                await self.publish()
            case "u":
                await self.publish(skip_history=True)
            case "j":
                self.nursery.start_soon(self.join, self.chance.choice(self.channels))
            case "t":
                for _ in range(self.chance.randint(1, 5)):
                    await trio.lowlevel.checkpoint()
            case "l" if self.there:
                self.leave()
            case "s" if self.there:
                self.slow_down(self.chance.choice(self.there)[0])
            case "d":
                self.broker.deaf = not self.broker.deaf
            case "r":
                await self.hub.take_feed_resumed()

    def slow_down(self, client):
        if client.room is None:
            client.stall()
            client.room = self.chance.choice([0, 0, 1, 2])
        else:
            client.resume()

    async def end(self):
        self.broker.deaf = False
        await wait_all_tasks_blocked()
        for client, *_ in self.there:
            client.resume()
        await self.hub.take_feed_resumed()
        await wait_all_tasks_blocked()

    def check(self):
        for client, subscription, start in self.there:
            published = self.published[subscription.topic.channel]
            wanted = [offset for offset, (_, tag) in published.items() if offset > start and tag in client.values]
            assert subscription.live
            assert client.offsets == wanted
        for client, subscription, *_ in self.there + self.gone:
            published = self.published[subscription.topic.channel]
            for offset, data in client.received:
                assert data in self.unkept if not offset else data == published[offset][0]
        return sum(client.patches for client, *_ in self.there + self.gone)


class Losing(ViewClient):
    """Know whether it was told that something it was promised is gone."""

    lost = False

    async def run(self):
        while not self.lost:
            try:
                await super().run()
            except InsufficientState as error:
                self.lost = True
                self.hub.unsubscribe(error.subscription)


class StoryOfLosses(Story):
    """Let the store lose everything, its end or its beginning as well.

    Clients may be promised to be told of it, watch who comes and goes, or come back for the latest alone.
    """

    channels = ("delta:a", "brief:b", "news")
    happenings = "pppppppujjjsssttldreJJPPxh"
    client_type = Losing

    async def join(self, channel, recover=None, before=None):
        client = self.new_client()
        if before is not None and self.chance.random() < 0.8:
            client.delta, client.filter, client.values = before.delta, before.filter, before.values
        chance = self.chance.random
        subscription = await client.subscribe(
            channel,
            recover=START if recover is None and chance() < 0.3 else recover,
            latest=chance() < 0.4,
            positioned=chance() < 0.5,
            watches=chance() < 0.3,
        )
        self.there.append((client, subscription, 0))

    async def happen(self):
        self.there, ended = (
            [one for one in self.there if one[1].started],
            [one for one in self.there if not one[1].started],
        )
        self.gone += [(client, subscription) for client, subscription, _ in ended]
        channel = self.chance.choice(self.channels)
        happening = self.chance.choice(self.happenings)
        match happening:
            case "e" if self.chance.random() < 0.3:
                self.broker.forget_everything()
            case "J" if meta := self.broker._metas.get(channel):
                meta.top += self.chance.choice([1, 5, 1000])
            case "P":
                member = Member(f"{self.chance.randrange(5)}", "u", b'{"client":"x","user":"u"}', told=True)
                await self.broker.join(channel, member, ttl=100)
            case "x":
                with suppress(BadRequest):
                    await self.broker.remove_history(channel)
            case _:
                await super().happen()

    async def end(self):
        await super().end()
        self.last = {channel: [] for channel in self.channels}
        for channel in self.channels:
            for tag in TAGS:
                data = msgspec.json.encode({"last": len(self.order)})
                self.order[data] = (len(self.order), tag)
                self.last[channel].append(data)
                await self.broker.publish(channel, data, tags=tagged(tag), delta=True)
        await wait_all_tasks_blocked()

    def check(self):
        for client, subscription, _ in self.there:
            if subscription.started:
                last = self.last[subscription.topic.channel]
                assert subscription.live
                assert [data for _, data in client.received if data in last] == [
                    data for data in last if self.order[data][1] in client.values
                ]
        for client, *_ in self.there + self.gone:
            assert all(self.order[data][1] in client.values for _, data in client.received)
            kept = [self.order[data][0] for offset, data in client.received if offset]
            assert kept == sorted(set(kept))
        return sum(client.patches for client, *_ in self.there + self.gone)
