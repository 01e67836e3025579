"""The Redis-poll writer task of a connection: what the hub left behind, and what the server wants done to the client."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Awaitable, Callable

import trio

from trio_gateway.gateway.transport.socket import ClientSocket
from trio_gateway.hub.catch_up import CatchUp
from trio_gateway.hub.subscription import InsufficientState, Subscriber, Subscription
from trio_gateway.hub.woken import Woken
from trio_gateway.model.errors import BrokerUnavailable

STORE_RETRY_SECONDS = 1.0
"""A client that is behind polls again within this (jittered) while the store is away."""

Order = Callable[[], Awaitable[None]]
"""Something that the server does to the client; raises BrokerUnavailable where it must be tried again."""


class Writer:
    """Write for one client, woken when there is something; `begin_anew` takes subscriptions of which publications are gone."""

    __slots__ = ("_begin_anew", "_catch_up", "_socket", "_subscriber", "_to_do", "_woken")

    def __init__(
        self,
        catch_up: CatchUp,
        subscriber: Subscriber,
        socket: ClientSocket,
        woken: Woken,
        begin_anew: Callable[[Subscription], Awaitable[None]],
    ) -> None:
        self._catch_up = catch_up
        self._subscriber = subscriber
        self._socket = socket
        self._woken = woken
        self._begin_anew = begin_anew
        self._to_do: deque[Order] = deque()

    def do_soon(self, order: Order) -> None:
        """Carry out an order soon, after those before it."""
        self._to_do.append(order)
        self._woken.set()

    async def write(self) -> None:
        """Write until cancelled; raises what ends the connection."""
        while True:
            await self._woken.wait()
            await self._socket.flush()
            while self._subscriber.behind or self._to_do:
                reached = [await self._carry_out_all()]
                reached += [await self._poll(subscription) for subscription in tuple(self._subscriber.behind)]
                await self._socket.flush()
                if not all(reached):
                    await self._rest()
                await trio.lowlevel.checkpoint()

    async def _carry_out_all(self) -> bool:
        """Carry out the orders in their order; False where one needs the store and that is away: it goes on with that one."""
        while self._to_do:
            try:
                await self._to_do[0]()
            except BrokerUnavailable:
                return False
            self._to_do.popleft()
        return True

    async def _poll(self, subscription: Subscription) -> bool:
        """Bring one page to a subscription; False where the store was needed and away."""
        try:
            await self._catch_up.poll(subscription, self._socket.send)
        except BrokerUnavailable:
            subscription.behind_since = trio.current_time()  # the store is slow, not the client
            return False
        except InsufficientState:
            await self._begin_anew(subscription)
        return True

    async def _rest(self) -> None:
        """Wait for the store, but write what the hub leaves half-written meanwhile."""
        until = trio.current_time() + random.uniform(0, STORE_RETRY_SECONDS)  # noqa: S311 - jitter, not a secret
        while trio.current_time() < until:
            with trio.move_on_at(until):
                await self._woken.wait()
            await self._socket.flush()  # outside the deadline: a write is never cut
