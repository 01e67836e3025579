"""Whatever nodes, clients, the store and the application do in whatever order: each end is told at least once."""

from __future__ import annotations

from contextlib import suppress

import trio
import trio.testing
from gateway.peers import request, serve_place
from gateway.shared_broker import SharedBroker
from gateway.told_application import TTL, Application
from hypothesis import example, given, settings
from hypothesis import strategies as st

from trio_gateway import errors
from trio_gateway.gateway.nodes.lost_nodes import CLAIM_SECONDS
from trio_gateway.gateway.nodes.untold import LONGEST_PAUSE
from trio_gateway.hooks.hooks import Hooks

NODES = 2
LONG_ENOUGH = 4 * TTL + 2 * CLAIM_SECONDS + LONGEST_PAUSE
NODE = st.integers(0, NODES - 1)
STEPS = st.one_of(
    *[st.tuples(st.just(step), NODE) for step in ("connect", "connect", "close", "close", "kill", "start")],
    *[st.tuples(st.just(f"application {how}"), st.just(0)) for how in ("away", "away", "back")],
    *[st.tuples(st.just(f"store {how}"), st.just(0)) for how in ("away", "back")],
    *[st.tuples(st.just(f"node {how}"), NODE) for how in ("cut off", "reached")],
    *[st.tuples(st.just("wait"), st.sampled_from([1, 10, 3 * TTL]))] * 3,
)


class Story:
    """Play steps; `came` are the clients that were let in, `here` those of them that are connected to a living node."""

    def __init__(self, nursery):
        self.nursery = nursery
        self.application = Application()
        self.store = SharedBroker()
        self.brokers = [self.store]
        self.nodes = {}
        self.came = set()
        self.here = {}
        self.store_failed = False

    async def play(self, step, value):
        match step:
            case "start" if value not in self.nodes:
                await self.nursery.start(self.serve, value)
            case "kill" if value in self.nodes:
                self.nodes.pop(value)[1].cancel()
                self.here.pop(value)
                await trio.testing.wait_all_tasks_blocked()
            case "connect" if value in self.nodes:
                await self.connect(value)
            case "close" if self.here.get(value):
                await self.here[value].popitem()[1].stream.aclose()
                await trio.testing.wait_all_tasks_blocked()
            case "application away":
                self.application.trouble = errors.HookUnavailable("away")
            case "application back":
                self.application.trouble = None
            case "store away":
                self.store_failed = True
                self.set_away(True)
            case "store back":
                self.set_away(False)
            case "node cut off" if value in self.nodes:
                self.store_failed = True
                self.nodes[value][0].node.broker.away = True
            case "node reached" if value in self.nodes:
                self.nodes[value][0].node.broker.away = False
            case "wait":
                await trio.sleep(value)

    def set_away(self, away):
        for broker in self.brokers:
            broker.away = away

    async def serve(self, number, *, task_status):
        broker = SharedBroker(self.store)
        broker.away = self.store.away
        self.brokers.append(broker)
        with trio.CancelScope() as scope:
            # Nobody answers pings while a step waits, so none are sent in that time.
            options = {"presence_ttl": TTL, "ping_seconds": 10**6, "pong_seconds": 1}
            hooks = Hooks(disconnected=self.application)
            async with serve_place(broker=broker, hooks=hooks, **options) as place:
                self.nodes[number] = place, scope
                self.here[number] = {}
                task_status.started()
                await trio.sleep_forever()

    async def connect(self, number):
        peer = self.nodes[number][0].wire()

        await peer.write(request(f"/ws?user={len(self.came)}"))
        if (await peer.read_head()).startswith("HTTP/1.1 101 "):
            client = (await peer.receive())["client"]
            self.came.add(client)
            self.here[number][client] = peer

    async def end(self):
        """Put everything in order and wait; then all who are not here any more have been told of."""
        self.set_away(False)
        self.application.trouble = None
        await self.play("start", 0)
        await trio.sleep(LONG_ENOUGH)
        here = {client for clients in self.here.values() for client in clients}
        heard = set(self.application.clients)
        assert self.came - here <= heard
        assert heard <= self.came
        if not self.store_failed:
            assert not heard & here, "nobody is told of who is still here"


@settings(max_examples=30)
@given(st.lists(STEPS, min_size=5, max_size=30))
@example([("application away", 0), ("connect", 1), ("close", 1), ("wait", 10), ("kill", 1)])
@example([("store away", 0), ("store back", 0), ("connect", 1), ("store away", 0), ("kill", 1)])
@example([("connect", 1), ("kill", 1), ("application away", 0), ("wait", 3 * TTL), ("kill", 0)])
@example([("connect", 1), ("node cut off", 1), ("wait", 3 * TTL), ("node reached", 1), ("connect", 1), ("kill", 1)])
@example([("connect", 1), ("store away", 0), ("close", 1), ("wait", 10), ("kill", 1), ("store back", 0)])
def test_every_end_is_told_at_least_once(steps):
    async def main():
        async with trio.open_nursery() as nursery:
            story = Story(nursery)
            for step in [("start", 0), ("start", 1), *steps]:
                with suppress(trio.BrokenResourceError):
                    await story.play(*step)
            await story.end()
            nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
