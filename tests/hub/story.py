"""A story lets things happen to a hub by chance, and is told to its end, in turns so short that all of them interleave.

Time stands still in it (`mock_clock`): on a busy machine the deadlines of the hub would be part of it.
"""

from __future__ import annotations

import random

import trio
from hub.faulty_broker import NAMESPACES, FaultyBroker

from trio_gateway.hub import audience
from trio_gateway.hub import hub as hub_module
from trio_gateway.hub import topic as topic_module
from trio_gateway.hub.hub import Hub

HAPPENINGS = 120


def shorten_turns(monkeypatch, few):
    """Let the event loop have its turn after every second send, and a topic be one of many from `few` users on."""
    monkeypatch.setattr(topic_module, "FEW_USERS", few)
    for module in (audience, hub_module, topic_module):
        monkeypatch.setattr(module, "SENDS_PER_TURN", 2)


async def tell(story_of, seed):
    """Tell a story to its end, and give it: `story_of` makes it of chance, broker, hub and nursery."""
    broker = FaultyBroker()
    hub = Hub(broker, NAMESPACES)
    async with trio.open_nursery() as nursery:
        await nursery.start(broker.serve, hub)
        await nursery.start(hub.serve)
        story = story_of(random.Random(seed), broker, hub, nursery)
        for _ in range(HAPPENINGS):
            await story.happen()
        await story.end()
        nursery.cancel_scope.cancel()
    return story
