"""A mailbox takes everything that is published in its channel, once and in order, whatever becomes of hints and store."""

import msgspec
import pytest
import trio
from captured_logs import capture_logs
from gateway.shared_broker import SharedBroker
from trio.testing import wait_all_tasks_blocked

from trio_gateway.gateway.nodes.mailbox import Mailbox
from trio_gateway.hub.hub import Hub
from trio_gateway.model.channel import CONTROL_CHANNEL
from trio_gateway.model.errors import BrokerUnavailable
from trio_gateway.settings.namespaces import Namespaces


class Listening:
    """Hold a broker, its hub, and a mailbox with what it took."""

    def __init__(self, channel=CONTROL_CHANNEL):
        self.broker = SharedBroker(namespaces=Namespaces())
        self.hub = Hub(self.broker, Namespaces())
        self.taken = []
        self.renewals = 0
        self.failing = 0
        self.mailbox = Mailbox(self.hub, channel, msgspec.json.Decoder(int), self.taken.append, anew=self.anew)
        self.published = 0

    async def anew(self):
        await trio.lowlevel.checkpoint()
        if self.failing:
            self.failing -= 1
            raise BrokerUnavailable("away")
        self.renewals += 1

    async def serve(self, nursery):
        await nursery.start(self.broker.serve, self.hub)
        await nursery.start(self.hub.serve)
        nursery.start_soon(self.mailbox.serve)
        await wait_all_tasks_blocked()

    async def publish(self, count):
        """Publish the next numbers."""
        for _ in range(count):
            self.published += 1
            await self.broker.publish(CONTROL_CHANNEL, b"\n%d\n" % self.published)
        await wait_all_tasks_blocked()

    def lose(self):
        """Let everything be lost, as FLUSHALL does."""
        self.broker._metas.discard(CONTROL_CHANNEL)
        self.broker.forget(CONTROL_CHANNEL)


@pytest.fixture
async def listening(nursery):
    listening = Listening()
    await listening.serve(nursery)
    return listening


async def test_what_was_published_before_is_not_taken(nursery):
    listening = Listening()
    await listening.publish(2)
    await listening.serve(nursery)
    await listening.publish(2)

    assert listening.taken == [3, 4]


async def test_a_burst_is_taken_in_order(listening):
    await listening.publish(500)

    assert listening.taken == list(range(1, 501))
    assert listening.renewals == 1


async def test_what_can_not_be_read_is_left_out_and_logged(listening):
    with capture_logs() as logs:
        for data in (b"1", b'"a word"', b"2"):
            await listening.broker.publish(CONTROL_CHANNEL, data)
        await wait_all_tasks_blocked()

    assert listening.taken == [1, 2]
    assert [(line["event"], line["channel"]) for line in logs] == [
        ("a node said what this one does not understand", CONTROL_CHANNEL)
    ]


async def test_lost_hints_are_made_good(listening):
    listening.broker.deaf = True
    await listening.publish(150)
    listening.broker.deaf = False
    await listening.publish(1)

    assert listening.taken == list(range(1, 152))
    assert listening.renewals == 1


async def test_after_a_hole_it_begins_anew_and_takes_what_is_kept(listening):
    await listening.publish(1)
    listening.broker.deaf = True
    await listening.publish(3)
    listening.broker.forget(CONTROL_CHANNEL)
    await listening.publish(3)
    listening.broker.deaf = False
    await listening.publish(1)

    assert listening.taken == [1, 5, 6, 7, 8]
    assert listening.renewals == 2


async def test_after_all_was_lost_it_begins_anew_and_takes_what_came_since(listening):
    await listening.publish(2)
    listening.lose()
    await listening.publish(2)

    assert listening.taken == [1, 2, 3, 4]
    assert listening.renewals == 2


async def test_it_waits_for_a_store_that_is_away_at_the_start(nursery, autojump_clock):
    listening = Listening()
    listening.broker.away = True
    await listening.serve(nursery)
    await trio.sleep(10)
    listening.broker.away = False
    await trio.sleep(1)
    await listening.publish(2)

    assert listening.taken == [1, 2]


async def test_while_it_can_not_begin_anew_nothing_is_lost(nursery, autojump_clock):
    listening = Listening()
    listening.failing = 3
    await listening.serve(nursery)
    await listening.publish(2)
    await trio.sleep(3)
    await listening.publish(1)

    assert listening.taken == [1, 2, 3]
    assert listening.renewals == 1


async def test_a_store_that_is_away_while_it_catches_up_delays_and_loses_nothing(listening, autojump_clock):
    listening.broker.deaf = True
    await listening.publish(3)
    listening.broker.deaf, listening.broker.away = False, True
    await trio.sleep(30)  # the idle check asks in vain
    listening.broker.away = False
    await trio.sleep(30)
    await listening.publish(1)

    assert listening.taken == [1, 2, 3, 4]


async def test_in_a_channel_without_a_history_it_takes_what_it_hears(nursery):
    channel = CONTROL_CHANNEL + "less"
    listening = Listening(channel)
    await listening.serve(nursery)
    for data in (b"1", b"2"):
        await listening.broker.publish(channel, data)
    await wait_all_tasks_blocked()

    assert listening.taken == [1, 2]


async def test_cancelled_it_leaves_no_subscription(autojump_clock):
    listening = Listening()
    async with trio.open_nursery() as nursery:
        await listening.serve(nursery)
        nursery.cancel_scope.cancel()

    assert list(listening.hub.subscribers()) == []
