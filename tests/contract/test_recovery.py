"""The contract of recovery: what a client that comes back to a position is answered, over every store (protocol §6.3)."""

from __future__ import annotations

import pytest

from trio_gateway.hub.hub import Hub
from trio_gateway.hub.subscription import Subscriber
from trio_gateway.model.position import Position
from trio_gateway.settings.namespaces import ChannelRules, Namespaces
from trio_gateway.wire.centrifugo import CentrifugoCodec

RULES = Namespaces(named={"brief": ChannelRules()})  # of the hub, which asks them for nothing but `max_behind`

LIMIT = 4


class Deaf:
    """Take nothing: what is recovered comes in the answer."""

    def send_nowait(self, joined, frames):
        return 0


async def come_back(broker, channel, epoch, offset):
    """Subscribe after a position; answers whether that was recovered, the offsets in the answer, and the cursor."""
    hub = Hub(broker, RULES)
    subscriber = Subscriber(Deaf(), CentrifugoCodec("0"), lambda: None)
    asked = Position(epoch, offset)
    subscription = await hub.subscribe(subscriber, channel, since=asked)
    replayed = await hub.replay(subscription, asked, LIMIT)
    return replayed.recovered, [one.offset for one in replayed.publications], subscription.position


CASES = [
    # kept of "brief" (3 at most): published, position, recovered, offsets in the answer
    pytest.param(3, 3, "same", True, [], id="nothing was missed"),
    pytest.param(3, 1, "same", True, [2, 3], id="two were missed"),
    pytest.param(3, 0, "same", True, [1, 2, 3], id="all were missed"),
    pytest.param(0, 0, "same", True, [], id="nothing was ever published"),
    pytest.param(6, 3, "same", True, [4, 5, 6], id="exactly what is kept"),
    pytest.param(6, 2, "same", False, [], id="the next one is gone"),
    pytest.param(3, 1, "", True, [2, 3], id="an empty epoch stands for the present one"),
    pytest.param(3, 9, "", False, [], id="an empty epoch proves nothing beyond the top"),
    pytest.param(3, 9, "same", True, [], id="beyond the top the store has lost what the client has"),
    pytest.param(3, 3, "lost", False, [], id="another epoch"),
]


@pytest.mark.parametrize(("published", "offset", "epoch", "recovered", "offsets"), CASES)
async def test_who_comes_back_gets_what_was_missed_or_is_told(broker, published, offset, epoch, recovered, offsets):
    present = (await broker.attach("brief:x")).epoch
    for number in range(published):
        await broker.publish("brief:x", b"%d" % number)

    answer = await come_back(broker, "brief:x", {"same": present}.get(epoch, epoch), offset)

    assert answer == (recovered, offsets, Position(present, published))


async def test_a_jump_of_the_offset_is_no_loss(store, broker):
    first = await broker.publish("brief:x", b"1")
    far = await store.publish_after_a_jump("brief:x", b"2")
    last = await broker.publish("brief:x", b"3")

    assert far > first.offset + 2**19
    assert await come_back(broker, "brief:x", first.epoch, 1) == (True, [far, far + 1], last)
    assert await come_back(broker, "brief:x", first.epoch, far) == (True, [far + 1], last)
    # Between the two, where the client can have been on a server that is no more, nothing is missing either.
    assert await come_back(broker, "brief:x", first.epoch, 1000) == (True, [far, far + 1], last)


async def test_what_was_gone_before_a_jump_is_a_loss(store, broker):
    first = await broker.publish("brief:x", b"1")
    await broker.publish("brief:x", b"2")
    far = await store.publish_after_a_jump("brief:x", b"3")
    for number in range(3):
        await broker.publish("brief:x", b"%d" % number)

    assert (await come_back(broker, "brief:x", first.epoch, 2))[0] is False
    assert (await come_back(broker, "brief:x", first.epoch, far))[0] is True


async def test_a_history_that_is_gone_recovers_who_has_it_all(store, broker):
    position = await broker.publish("brief:x", b"1")
    store.lose_history("brief:x")

    assert (await come_back(broker, "brief:x", position.epoch, 1))[:2] == (True, [])
    assert (await come_back(broker, "brief:x", position.epoch, 0))[:2] == (False, [])


async def test_a_channel_that_lost_its_epoch_recovers_nobody(store, broker):
    position = await broker.publish("brief:x", b"1")
    store.lose_meta("brief:x")

    assert (await come_back(broker, "brief:x", position.epoch, 1))[0] is False


async def test_more_than_an_answer_holds_is_recovered_and_follows(broker):
    position = None
    for number in range(7):
        position = await broker.publish("news", b"%d" % number)

    answer = await come_back(broker, "news", position.epoch, 1)

    assert answer == (True, [2, 3, 4, 5], Position(position.epoch, 5))
