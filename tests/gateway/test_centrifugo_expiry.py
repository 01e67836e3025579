"""Tokens expire: until then, and a grace longer, another one must come (protocol §8)."""

import math

import pytest
import trio
from gateway.peers import NOTHING, serve_sdk_place, token, unix_time
from trio.testing import wait_all_tasks_blocked

from trio_gateway.gateway.nodes.deadlines import Deadlines
from trio_gateway.model.directives import RefreshUser, SubscribeUser

GRACE = 25


@pytest.fixture
async def place():
    async with serve_sdk_place() as place:
        yield place


def seconds(start):
    """Tell when something ended: up to a second late, and a little more."""
    return pytest.approx(trio.current_time() - start, abs=1.1)


def after(more):
    return int(unix_time()) + more


def subscription(channel="open:a", **claims):
    return token(channel=channel, **claims)


class TestConnection:
    async def test_it_ends_when_no_new_token_came_in_time(self, place, autojump_clock):
        start = trio.current_time()
        peer = await place.connect(claims={"exp": after(60)})

        assert (peer.connected["expires"], peer.connected["ttl"]) == (True, 60)
        assert (await peer.closed()).code == 3005
        assert seconds(start) == 60 + GRACE
        await wait_all_tasks_blocked()
        assert place.left == NOTHING

    async def test_a_new_token_puts_the_end_off(self, place, autojump_clock):
        start = trio.current_time()
        peer = await place.connect(claims={"exp": after(60)})
        refreshed = await peer.do("refresh", token=token(exp=after(100)))

        assert refreshed == {"expires": True, "ttl": 100}
        assert (await peer.closed()).code == 3005
        assert seconds(start) == 100 + GRACE

    async def test_a_new_token_without_an_end_takes_it_away(self, place, autojump_clock):
        peer = await place.connect(claims={"exp": after(60)})
        assert await peer.do("refresh", token=token()) == {}
        with trio.move_on_after(500):
            await peer.closed()

        assert "history" not in peer.connected
        assert await peer.refused("rpc", method="x") == 108

    async def test_the_connection_may_live_longer_than_its_token(self, place, autojump_clock):
        peer = await place.connect(claims={"exp": after(60), "expire_at": after(300)})

        assert peer.connected["ttl"] == 300

    @pytest.mark.parametrize(
        ("refresh", "code"),
        [
            ("", 3501),
            ("nonsense", 3500),
            (token("8"), 3500),
            (token(channel="open:a"), 3500),
            (token(exp=1), 3005),
            (token(expire_at=1), 3005),
            (token(channels=["open:a"]), 3010),
        ],
    )
    async def test_a_wrong_token_ends_it(self, place, refresh, code, autojump_clock):
        peer = await place.connect(claims={"exp": after(60)})
        await peer.command(("refresh", {"token": refresh}))

        assert (await peer.closed()).code == code

    async def test_the_server_may_move_the_end_or_take_it_away(self, place, autojump_clock):
        start = trio.current_time()
        moved, kept = (
            await place.connect(claims={"exp": after(60)}),
            await place.connect("8", claims={"exp": after(60)}),
        )
        await place.node.control.tell(RefreshUser(user="7", expire_at=after(10)))
        await place.node.control.tell(RefreshUser(user="8"))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(kept.closed)
            assert (await moved.closed()).code == 3005
            assert seconds(start) == 10 + GRACE
            await trio.sleep(200)
            assert len(place.node.connections) == 1
            nursery.cancel_scope.cancel()

    async def test_the_server_may_end_it_at_once(self, place, autojump_clock):
        peer = await place.connect()
        await place.node.control.tell(RefreshUser(user="7", expired=True))

        assert (await peer.closed()).code == 3005

    async def test_on_an_insecure_server_nothing_expires(self, autojump_clock):
        async with serve_sdk_place(insecure=True) as place:
            peer = await place.connect(claims={"exp": 1})

            assert "expires" not in peer.connected
            assert len(place.node.deadlines) == 0


class TestSubscription:
    async def test_the_client_is_unsubscribed_to_subscribe_again(self, place, autojump_clock):
        start = trio.current_time()
        peer = await place.connect()
        result = await peer.do("subscribe", channel="open:a", token=subscription(exp=after(30)))

        assert (result["expires"], result["ttl"]) == (True, 30)
        assert await peer.push() == {
            "channel": "open:a",
            "unsubscribe": {"code": 2501, "reason": "subscription expired"},
        }
        assert seconds(start) == 30 + GRACE
        await trio.sleep(2)
        assert len(place.node.deadlines) == 0
        again = await peer.do("subscribe", channel="open:a", token=subscription(exp=after(30)))
        assert again["ttl"] == 30

    async def test_a_new_token_puts_the_end_off(self, place, autojump_clock):
        start = trio.current_time()
        peer = await place.connect()
        await peer.do("subscribe", channel="open:a", token=subscription(exp=after(30)))
        fresh = subscription(exp=after(100))

        assert await peer.do("sub_refresh", channel="open:a", token=fresh) == {"expires": True, "ttl": 100}
        assert (await peer.push())["unsubscribe"]["code"] == 2501
        assert seconds(start) == 100 + GRACE

    async def test_a_new_token_that_comes_when_the_end_is_under_way_counts(self, autojump_clock):
        async with serve_sdk_place(token_grace_seconds=1) as place:
            peer = await place.connect()
            await peer.do("subscribe", channel="open:a", token=subscription(exp=after(5)))
            (connection,) = place.node.connections
            async with connection._requests.changing:  # as if its writer task were busy
                await trio.sleep(8)
                await peer.do("sub_refresh", channel="open:a", token=subscription(exp=after(100)))
            with trio.move_on_after(60):
                peer.pushes.append(await peer.receive())

        assert peer.pushes == []

    async def test_unsubscribing_leaves_no_deadline_that_does_harm(self, place, autojump_clock):
        peer = await place.connect()
        await peer.do("subscribe", channel="open:a", token=subscription(exp=after(30)))
        await peer.do("unsubscribe", channel="open:a")
        with trio.move_on_after(100):
            peer.pushes.append(await peer.receive())

        assert peer.pushes == []
        assert len(place.node.deadlines) == 0

    @pytest.mark.parametrize(
        ("channel", "refresh", "answer"),
        [
            ("open:a", "", 107),
            ("open:b", subscription("open:b"), 103),
            ("open:a", subscription(exp=1), 109),
            ("open:a", subscription(expire_at=1), 110),
            ("open:a", "nonsense", 3500),
            ("open:a", subscription("open:b"), 3500),
            ("open:a", token("8", channel="open:a"), 3500),
        ],
    )
    async def test_a_wrong_token_is_refused_or_ends_the_connection(
        self, place, channel, refresh, answer, autojump_clock
    ):
        peer = await place.connect()
        await peer.do("subscribe", channel="open:a", token=subscription(exp=after(30)))
        if answer < 3000:
            assert await peer.refused("sub_refresh", channel=channel, token=refresh) == answer
        else:
            await peer.command(("sub_refresh", {"channel": channel, "token": refresh}))
            assert (await peer.closed()).code == answer

    async def test_one_that_the_server_made_for_a_time_ends_the_connection(self, place, autojump_clock):
        peer = await place.connect()
        start = trio.current_time()
        await place.node.control.tell(SubscribeUser(user="7", channel="open:a", expire_at=after(30)))
        assert "subscribe" in await peer.push()

        assert (await peer.closed()).code == 3006
        assert seconds(start) == 30 + GRACE


class Client:
    def __init__(self, act=lambda: None):
        self.called = []
        self.act = act

    def check_expiry(self):
        self.called.append(trio.current_time())
        self.act()


class TestDeadlines:
    @pytest.fixture
    def deadlines(self):
        return Deadlines(trio.current_time)

    async def test_each_is_called_once_up_to_a_second_late(self, deadlines, nursery, autojump_clock):
        clients = [Client() for _ in range(50)]
        for number, client in enumerate(clients):
            deadlines.set(client, number / 4 + 1)
        nursery.start_soon(deadlines.serve)
        await trio.sleep(30)

        for number, client in enumerate(clients):
            (time,) = client.called
            assert number / 4 + 1 <= time <= number / 4 + 3
        assert (len(deadlines), deadlines._buckets) == (0, {})

    async def test_the_last_deadline_set_counts_and_infinity_is_none(self, deadlines, nursery, autojump_clock):
        later, never = Client(), Client()
        deadlines.set(later, 3)
        deadlines.set(later, 50)
        deadlines.set(never, 3)
        deadlines.set(never, math.inf)
        nursery.start_soon(deadlines.serve)
        await trio.sleep(100)

        assert [math.floor(time) for time in later.called] in ([50], [51])
        assert never.called == []

    async def test_who_is_discarded_is_not_called_and_leaves_nothing(self, deadlines):
        client = Client()
        deadlines.set(client, 3)
        deadlines.discard(client)
        deadlines.discard(client)

        assert (len(deadlines), deadlines._buckets) == (0, {})

    async def test_who_is_called_may_discard_others_and_set_a_deadline_that_has_passed(
        self, deadlines, nursery, autojump_clock
    ):
        second = Client()
        first = Client(lambda: (deadlines.discard(second), deadlines.set(first, 1)))
        for client in (first, second):
            deadlines.set(client, 3)
        nursery.start_soon(deadlines.serve)
        await trio.sleep(10)

        assert len(first.called) > 3
        assert len(deadlines) == 1
