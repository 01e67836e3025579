"""An application that is told who has gone, and what killed nodes leave in the store."""

from __future__ import annotations

import trio
from gateway.peers import serve_sdk_place

from trio_gateway.broker.broker import Leave
from trio_gateway.gateway.nodes.record import HOLDERS_CHANNEL, part_of, parts_of
from trio_gateway.hooks.hooks import Hooks
from trio_gateway.model.presence import Member

TTL = 60
SOON = 2 * TTL
"""Seconds in which a lost node is found, with something to spare."""


class Application:
    """Be told; `trouble` is raised instead of hearing, while it is there, and `pause` is how long hearing takes."""

    def __init__(self):
        self.heard = []
        self.trouble = None
        self.pause = 0
        self.most = 0
        self.now = 0

    async def __call__(self, request):
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await trio.sleep(self.pause)
            if self.trouble is not None:
                raise self.trouble
            self.heard.append(request)
        finally:
            self.now -= 1

    @property
    def clients(self):
        return [request.client.id for request in self.heard]


def serve(application, broker, **options):
    """Serve a node with this application; nobody answers pings while a test waits, so none are sent in that time."""
    options = {"presence_ttl": TTL, "ping_seconds": 10**6, "pong_seconds": 1} | options
    return serve_sdk_place(broker=broker, hooks=Hooks(disconnected=application), **options)


async def records(broker, node):
    """Give the clients that are on the record of the node with this uid."""
    return {client for part in parts_of(node) for client in await broker.presence(part)}


async def take_away(broker, channel, *clients):
    """Have members of a presence taken away, as by another node, or by a store that lost them."""
    await broker.leave([Leave(channel, client) for client in clients])


async def take_record_away(broker, node):
    """Have a node's record taken away, and its name among those that have one."""
    await take_away(broker, HOLDERS_CHANNEL, node)
    for client in await records(broker, node):
        await take_away(broker, part_of(node, client), client)


async def leave_behind(broker, *clients, node="killed"):
    """Put into the store what a node leaves there that is killed with these clients."""
    await broker.join(HOLDERS_CHANNEL, Member(node, "", b"{}"), ttl=3600)
    for client in clients:
        info = b'{"device":"phone","protocol":"centrifugo","transport":"websocket","meta":{"a":1}}'
        await broker.join(part_of(node, client), Member(client, "7", info), ttl=3600)
