"""The hub delivers each channel's publications in order, once, to everybody who subscribed, or announces what is missing."""

import pytest
import trio
from hub.clients import FakeClient
from hub.faulty_broker import NAMESPACES, FaultyBroker, publish
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from trio_gateway.broker.broker import Hint
from trio_gateway.hub.hub import IDLE_CHECK_SECONDS, LINGER_SECONDS, Hub
from trio_gateway.model.errors import BrokerUnavailable, UnknownChannel
from trio_gateway.model.position import START, Position
from trio_gateway.model.publication import Publication


async def test_a_live_client_gets_what_is_published(hub, broker, client):
    await client.subscribe("news")
    await publish(broker, "news", 3)

    assert client.offsets == [1, 2, 3]


async def test_what_arrived_in_one_read_goes_out_in_one_write(hub, broker, client):
    await client.subscribe("news")
    for _ in range(5):
        await broker.publish("news", b"1")
    before = client.writes
    await wait_all_tasks_blocked()

    assert client.offsets == [1, 2, 3, 4, 5]
    assert client.writes - before <= 2


async def test_a_subscription_starts_at_the_end(hub, broker, client):
    await publish(broker, "news", 3)
    await client.subscribe("news")
    await publish(broker, "news", 1)

    assert client.offsets == [4]


async def test_a_subscription_since_a_position_gets_what_came_after_it(hub, broker, client):
    await publish(broker, "news", 5)
    epoch = (await broker.attach("news")).epoch
    await client.subscribe("news", since=Position(epoch, 2))
    await wait_all_tasks_blocked()

    assert client.offsets == [3, 4, 5]
    assert client.gaps == []


async def test_everything_kept_never_starts_with_a_gap(hub, broker, client):
    await publish(broker, "brief:x", 5)
    await client.subscribe("brief:x", since=START)
    await wait_all_tasks_blocked()

    assert client.offsets == [3, 4, 5]
    assert client.gaps == []


async def test_what_is_no_longer_kept_is_announced(hub, broker, client):
    await publish(broker, "brief:x", 1)
    epoch = (await broker.attach("brief:x")).epoch
    await publish(broker, "brief:x", 5)
    await client.subscribe("brief:x", since=Position(epoch, 1))
    await wait_all_tasks_blocked()

    assert client.gaps == [(2, 3)]
    assert client.offsets == [4, 5, 6]


async def test_a_position_of_another_epoch_gets_a_gap_without_bounds_then_all(hub, broker, client):
    await publish(broker, "news", 2)
    await client.subscribe("news", since=Position("lost", 7))
    await wait_all_tasks_blocked()

    assert client.gaps == [(None, None)]
    assert client.offsets == [1, 2]


async def test_a_position_beyond_the_end_starts_at_the_end(hub, broker, client):
    await publish(broker, "news", 2)
    epoch = (await broker.attach("news")).epoch
    subscription = await client.subscribe("news", since=Position(epoch, 9))
    await publish(broker, "news", 1)

    assert client.offsets == [3]
    assert subscription.greeting.epoch == epoch


async def test_a_slow_client_catches_up_from_the_tail_without_the_store(hub, broker, client):
    await FakeClient(hub).subscribe("news")
    await client.subscribe("news")
    client.stall()
    await publish(broker, "news", 6)
    reads = broker.reads
    client.resume()
    await wait_all_tasks_blocked()

    assert client.offsets == list(range(1, 7))
    assert broker.reads == reads


async def test_who_is_behind_gets_nothing_that_was_removed(hub, broker, client):
    await FakeClient(hub).subscribe("news")
    await client.subscribe("news")
    client.stall()
    await publish(broker, "news", 6)
    await broker.remove_history("news")
    hub.forget("news")
    hub.forget("nowhere")
    assert hub.statistics().tail_bytes == 0
    client.resume()
    await publish(broker, "news", 1)
    await wait_all_tasks_blocked()

    *early, last = client.offsets
    assert last == 7
    assert 6 not in early  # some were on their way


async def test_a_slow_client_alone_on_its_topic_reads_the_store(hub, broker, client):
    await client.subscribe("#7")
    client.stall()
    await publish(broker, "#7", 6)
    client.resume()
    await wait_all_tasks_blocked()

    assert client.offsets == list(range(1, 7))
    assert hub.statistics().tail_bytes == 0


async def test_many_who_share_a_topic_share_a_longer_tail(hub, broker, client):
    for _ in range(15):
        await FakeClient(hub).subscribe("news")
    await client.subscribe("news")
    client.stall()
    await publish(broker, "news", 40)
    reads = broker.reads
    client.resume()
    await wait_all_tasks_blocked()

    assert client.offsets == list(range(1, 41))
    assert broker.reads == reads


async def test_a_client_too_slow_for_the_tail_reads_the_store(hub, broker, client):
    await client.subscribe("brief:x")
    client.stall()
    await publish(broker, "brief:x", 200)
    client.resume()
    await wait_all_tasks_blocked()

    assert client.offsets[-3:] == [198, 199, 200]
    assert sorted([*client.offsets, *(o for first, last in client.gaps for o in range(first, last + 1))]) == list(
        range(1, 201)
    )


async def test_a_write_taken_in_part_goes_on_after_the_last_frame_begun(hub, broker, client):
    await client.subscribe("news")
    client.room = 2
    await publish(broker, "news", 5)
    client.resume()
    await wait_all_tasks_blocked()

    assert client.offsets == [1, 2, 3, 4, 5]


async def test_a_slow_client_delays_nobody(hub, broker, client, nursery):
    other = FakeClient(hub)
    nursery.start_soon(other.run)
    await client.subscribe("news")
    await other.subscribe("news")
    client.stall()
    await publish(broker, "news", 10)

    assert other.offsets == list(range(1, 11))


async def test_a_lost_hint_costs_latency_never_a_message(hub, broker, client):
    await client.subscribe("news")
    broker.deaf = True
    await publish(broker, "news", 2)
    broker.deaf = False
    await publish(broker, "news", 1)

    assert client.offsets == [1, 2, 3]


async def test_the_last_lost_hint_is_found_by_the_idle_check(hub, broker, client, autojump_clock):
    await client.subscribe("news")
    broker.deaf = True
    await broker.publish("news", b"1")
    await trio.sleep(3 * IDLE_CHECK_SECONDS)

    assert client.offsets == [1]


async def test_after_the_feed_was_away_every_topic_reads_the_store(hub, broker, client):
    await client.subscribe("news")
    await client.subscribe("other")
    broker.deaf = True
    await publish(broker, "news", 2)
    await publish(broker, "other", 1)
    await hub.take_feed_resumed()
    await wait_all_tasks_blocked()

    assert sorted(client.offsets) == [1, 1, 2]


async def test_topics_catch_up_by_themselves_when_the_store_comes_back(hub, broker, client, autojump_clock):
    await client.subscribe("news")
    broker.deaf = True
    await publish(broker, "news", 2)
    broker.away = True
    await hub.take_feed_resumed()
    await trio.sleep(5)
    assert client.offsets == []
    broker.away = False
    await trio.sleep(5)

    assert client.offsets == [1, 2]


async def test_a_repeated_or_late_hint_is_no_news(hub, broker, client):
    subscription = await client.subscribe("news")
    await publish(broker, "news", 2)
    await hub.take_hints([Hint("news", subscription.epoch, Publication(1, 0, b"1", 0))])
    await wait_all_tasks_blocked()

    assert client.offsets == [1, 2]


async def test_a_hint_of_an_unknown_epoch_is_never_delivered(hub, broker, client):
    await client.subscribe("news")
    await hub.take_hints([Hint("news", "foreign", Publication(1, 0, b'"foreign"', 0))])
    await wait_all_tasks_blocked()

    assert client.got == []


async def test_a_hint_that_cant_be_read_makes_the_topic_read_the_store(hub, broker, client):
    subscription = await client.subscribe("news")
    broker.deaf = True
    await publish(broker, "news", 1)
    await hub.take_hints([Hint("news", subscription.epoch, None)])
    await wait_all_tasks_blocked()

    assert client.offsets == [1]


async def test_offsets_may_jump_and_a_jump_is_no_gap(hub, broker, client):
    subscription = await client.subscribe("news")
    await publish(broker, "news", 1)
    jump = 1_700_000_000_000_000
    await hub.take_hints([Hint("news", subscription.epoch, Publication(jump, 1, b"1", 0))])
    await wait_all_tasks_blocked()

    assert client.offsets == [1, jump]
    assert client.gaps == []


async def test_a_store_that_lost_everything_means_a_gap_without_bounds_then_everything(hub, broker, client):
    await client.subscribe("news")
    await publish(broker, "news", 3)
    broker.forget_everything()
    await publish(broker, "news", 2)

    assert client.offsets == [1, 2, 3, 1, 2]
    assert client.gaps == [(None, None)]


async def test_a_store_that_lost_its_tail_goes_on_with_larger_offsets(hub, broker, client):
    """A slow client whose missing publications the store lost gets what comes next, without a gap, without spinning."""
    subscription = await client.subscribe("news")
    await publish(broker, "news", 3)
    client.stall()
    await publish(broker, "news", 1)
    await publish(broker, "news", 1)
    stream = broker._streams.get("news")
    stream.pop()
    stream.pop()
    broker._metas.get("news").top = 3
    subscription.topic.clear_tail()
    client.resume()
    await wait_all_tasks_blocked()
    jump = 1_700_000_000_000_000
    await hub.take_hints([Hint("news", subscription.epoch, Publication(jump, 3, b"1", 0))])
    await wait_all_tasks_blocked()

    assert client.offsets == [1, 2, 3, 4, jump]  # 4 was on its way to the socket
    assert client.gaps == []


async def test_a_channel_without_history_is_delivered_at_most_once_to_whoever_can_take_it(hub, broker, client):
    await client.subscribe("none:x")
    await publish(broker, "none:x", 2)
    client.room = 0
    await publish(broker, "none:x", 1)
    client.resume()
    await publish(broker, "none:x", 1)

    assert len(client.got) == 3
    assert all("offset" not in frame for frame in client.got)


async def test_nothing_comes_after_an_unsubscribe(hub, broker, client):
    subscription = await client.subscribe("news")
    hub.unsubscribe(subscription)
    await publish(broker, "news", 1)

    assert client.got == []


async def test_an_unsubscribe_while_the_store_is_read_delivers_nothing_any_more(hub, broker, client):
    await publish(broker, "news", 5)
    subscription = await client.subscribe("news", since=START)
    hub.unsubscribe(subscription)
    await wait_all_tasks_blocked()

    assert client.got == []


async def test_a_channel_is_followed_once_however_many_subscribe(hub, broker, nursery):
    clients = [FakeClient(hub) for _ in range(50)]
    async with trio.open_nursery() as many:
        for one in clients:
            many.start_soon(one.subscribe, "news")
    await publish(broker, "news", 1)

    assert broker.followed == ["news"]
    assert all(one.offsets == [1] for one in clients)


async def test_a_topic_lingers_and_is_then_given_up(hub, broker, client, autojump_clock):
    subscription = await client.subscribe("news")
    hub.unsubscribe(subscription)
    await trio.sleep(LINGER_SECONDS / 2)
    again = await client.subscribe("news")
    await trio.sleep(2 * LINGER_SECONDS)
    assert broker.followed == ["news"]
    hub.unsubscribe(again)
    await trio.sleep(2 * LINGER_SECONDS)

    assert broker.followed == []
    assert hub.statistics().topics == 0
    assert hub.statistics().tail_bytes == 0


async def test_a_subscribe_while_the_store_is_away_fails_and_leaves_nothing(hub, broker, client, autojump_clock):
    broker.away = True
    with pytest.raises(BrokerUnavailable):
        await client.subscribe("news")
    broker.away = False
    await client.subscribe("news")
    await publish(broker, "news", 1)

    assert client.offsets == [1]
    assert hub.statistics().subscriptions == 1


async def test_many_who_wait_for_a_store_that_does_not_answer_all_learn_it_within_2_s(hub, broker, autojump_clock):
    async def never(_channel):
        await trio.sleep_forever()

    broker.follow = never
    failed = []

    async def subscribe():
        with pytest.raises(BrokerUnavailable):
            await FakeClient(hub).subscribe("news")
        failed.append(trio.current_time())

    start = trio.current_time()
    async with trio.open_nursery() as many:
        for _ in range(20):
            many.start_soon(subscribe)

    assert len(failed) == 20
    assert max(failed) - start <= 2


async def test_a_channel_of_no_namespace_is_unknown(hub, client):
    with pytest.raises(UnknownChannel):
        await client.subscribe("nowhere:x")


class TestDevices:
    async def test_a_device_seen_before_resumes_after_its_ack(self, hub, broker, client, nursery):
        subscription = await client.subscribe("#7", device="phone")
        await publish(broker, "#7", 5)
        hub.acknowledge_nowait("#7", "phone", Position(subscription.epoch, 3))
        again = FakeClient(hub)
        nursery.start_soon(again.run)
        await again.subscribe("#7", device="phone")
        await wait_all_tasks_blocked()

        assert again.offsets == [4, 5]

    async def test_a_device_that_never_acknowledged_gets_everything_since_it_was_first_seen(
        self, hub, broker, client, nursery
    ):
        await publish(broker, "#7", 2)
        await client.subscribe("#7", device="phone")
        await publish(broker, "#7", 2)
        again = FakeClient(hub)
        nursery.start_soon(again.run)
        await again.subscribe("#7", device="phone")
        await wait_all_tasks_blocked()

        assert again.offsets == [3, 4]

    async def test_since_wins_over_the_cursor(self, hub, broker, client):
        await publish(broker, "#7", 4)
        await client.subscribe("#7", device="phone", since=START)
        await wait_all_tasks_blocked()

        assert client.offsets == [1, 2, 3, 4]

    async def test_acks_reach_the_store_soon_and_only_the_largest(self, hub, broker, client, autojump_clock):
        subscription = await client.subscribe("#7", device="phone")
        await publish(broker, "#7", 3)
        for offset in (2, 3, 1):
            hub.acknowledge_nowait("#7", "phone", Position(subscription.epoch, offset))
        await trio.sleep(1)

        assert (await broker.attach("#7", device="phone")).cursor.offset == 3
        assert hub._acks.newest("#7", "phone") is None

    async def test_acks_wait_while_the_store_is_away(self, hub, broker, client, autojump_clock):
        subscription = await client.subscribe("#7", device="phone")
        await publish(broker, "#7", 3)
        broker.away = True
        hub.acknowledge_nowait("#7", "phone", Position(subscription.epoch, 3))
        await trio.sleep(2)
        broker.away = False
        await trio.sleep(2)

        assert (await broker.attach("#7", device="phone")).cursor.offset == 3

    async def test_a_cursor_of_a_lost_epoch_gets_a_gap_without_bounds(self, hub, broker, client, nursery):
        await client.subscribe("#7", device="phone")
        await publish(broker, "#7", 2)
        meta = broker._metas.get("#7")
        meta.cursors["phone"] = Position("lost", 9)
        again = FakeClient(hub)
        nursery.start_soon(again.run)
        await again.subscribe("#7", device="phone")
        await wait_all_tasks_blocked()

        assert again.gaps == [(None, None)]
        assert again.offsets == [1, 2]


@settings(max_examples=60)
@given(
    st.lists(
        st.sampled_from(
            ["publish", "publish", "publish", "deaf", "hear", "stall", "resume", "resumed", "forget", "join"]
        ),
        max_size=40,
    )
)
def test_whatever_happens_offsets_rise_and_nothing_is_missing_without_a_gap(events):
    """Drive the hub by arbitrary events; in the end everybody has got or been told of everything since they joined."""

    async def story():
        broker = FaultyBroker()
        hub = Hub(broker, NAMESPACES)
        clients = []
        async with trio.open_nursery() as nursery:
            await nursery.start(broker.serve, hub)
            await nursery.start(hub.serve)

            async def join():
                client = FakeClient(hub)
                nursery.start_soon(client.run)
                client.start = (await client.subscribe("brief:x")).position
                clients.append(client)

            await join()
            for event in events:
                match event:
                    case "publish":
                        await broker.publish("brief:x", b"1")
                    case "deaf" | "hear":
                        broker.deaf = event == "deaf"
                    case "stall":
                        clients[-1].stall()
                    case "resume":
                        clients[-1].resume()
                    case "resumed":
                        await hub.take_feed_resumed()
                    case "forget":
                        broker.forget_everything()
                    case "join":
                        await join()
                await wait_all_tasks_blocked(0.0)
            broker.deaf = False
            for client in clients:
                client.resume()
            await hub.take_feed_resumed()
            await wait_all_tasks_blocked(0.0)
            top = await broker.attach("brief:x")
            for client in clients:
                check(client, top)
            nursery.cancel_scope.cancel()

    def check(client, top):
        epoch, cursor = client.start.epoch, client.start.offset
        for frame in client.got:
            if frame["type"] == "gap":
                epoch, _, after = frame["position"].partition(":")
                if "from" in frame:
                    assert frame["from"] == cursor + 1
                cursor = int(after)
            else:
                assert frame["offset"] == cursor + 1
                cursor = frame["offset"]
        assert (epoch, cursor) == (top.epoch, top.top)

    trio.run(story)
