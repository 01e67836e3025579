"""One pipelined link: every reply reaches who asked, or nobody."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from redis import exceptions
from trio.testing import wait_all_tasks_blocked

from trio_gateway.broker.redis.link import Bounds, Link


class Ends:
    """Hold a link and the server's end of its stream."""

    def __init__(self, bounds=None, take_pushes=None):
        ours, self.server = trio.testing.memory_stream_pair()
        self.sends = []
        send_all = ours.send_stream.send_all

        async def counted(data):
            self.sends.append(bytes(data))
            await send_all(data)

        ours.send_stream.send_all = counted
        self.link = Link(ours, bounds or Bounds(), *([take_pushes] if take_pushes else []))
        self.results = {}

    async def ask(self, name, *command):
        """Call in a task of its own, and note what came of it."""
        try:
            self.results[name] = await self.link.call(*(command or (name,)))
        except exceptions.RedisError as error:
            self.results[name] = error


@pytest.fixture
async def ends(nursery):
    ends = Ends()
    nursery.start_soon(ends.link.run)
    return ends


async def test_replies_come_to_their_commands_in_order(ends, nursery):
    for name in "abc":
        nursery.start_soon(ends.ask, name)
        await wait_all_tasks_blocked()
    await ends.server.send_all(b":1\r\n:2\r\n")
    await ends.server.send_all(b":3\r\n")
    await wait_all_tasks_blocked()

    assert ends.results == {"a": 1, "b": 2, "c": 3}


async def test_what_is_asked_in_one_scheduling_round_goes_out_in_one_send(ends, nursery):
    await wait_all_tasks_blocked()
    for name in "abc":
        nursery.start_soon(ends.ask, name)
    await wait_all_tasks_blocked()

    assert len(ends.sends) == 1
    assert ends.sends[0].count(b"*1\r\n") == 3


async def test_the_reply_of_a_cancelled_command_never_reaches_another(ends, nursery):
    scope = trio.CancelScope()
    nursery.start_soon(cancelled_ask, ends, scope)
    await wait_all_tasks_blocked()
    nursery.start_soon(ends.ask, "mine")
    await wait_all_tasks_blocked()
    scope.cancel()
    await wait_all_tasks_blocked()
    await ends.server.send_all(b":1\r\n:2\r\n")
    await wait_all_tasks_blocked()

    assert ends.results == {"mine": 2}


async def cancelled_ask(ends, scope):
    with scope:
        await ends.ask("theirs")


async def test_the_reply_of_a_command_past_its_deadline_never_reaches_another(ends, nursery, autojump_clock):
    nursery.start_soon(ends.ask, "late")
    await trio.sleep(2)
    nursery.start_soon(ends.ask, "mine")
    await wait_all_tasks_blocked()
    await ends.server.send_all(b":1\r\n:2\r\n")
    await wait_all_tasks_blocked()

    assert isinstance(ends.results["late"], exceptions.TimeoutError)
    assert ends.results["mine"] == 2


async def test_a_command_fails_at_its_deadline(ends, autojump_clock):
    started = trio.current_time()
    with pytest.raises(exceptions.TimeoutError):
        await ends.link.call("PING")

    assert trio.current_time() - started == pytest.approx(1.5)


async def test_a_command_behind_a_cancelled_one_fails_at_its_own_deadline(ends, nursery, autojump_clock):
    nursery.start_soon(ends.ask, "answered")
    await wait_all_tasks_blocked()
    await ends.server.send_all(b":1\r\n")
    await trio.sleep(1.4)
    with trio.move_on_after(0.05):
        await ends.link.call("CANCELLED")
    await trio.sleep(0.2)
    started = trio.current_time()
    with pytest.raises(exceptions.TimeoutError):
        await ends.link.call("PING")

    assert trio.current_time() - started == pytest.approx(1.5)


async def test_a_head_overdue_by_a_second_deadline_closes_the_link(ends, autojump_clock):
    started = trio.current_time()
    with pytest.raises(exceptions.TimeoutError):
        await ends.link.call("PING")
    assert not ends.link.lost
    await ends.server.receive_some(1000)
    await ends.server.receive_some(1000)  # the end of the stream

    assert trio.current_time() - started == pytest.approx(3)
    assert ends.link.reason == "the server does not answer"


async def test_a_link_that_answers_slowly_but_in_time_stays(ends, nursery, autojump_clock):
    for number in range(20):
        nursery.start_soon(ends.ask, f"{number}")
        await trio.sleep(1)
        await ends.server.send_all(b"+OK\r\n")

    await wait_all_tasks_blocked()
    assert not ends.link.lost
    assert len(ends.results) == 20


async def test_an_idle_link_stays(ends, autojump_clock):
    await trio.sleep(1000)

    assert not ends.link.lost


async def test_a_lost_link_fails_everything_outstanding(ends, nursery):
    for name in "abc":
        nursery.start_soon(ends.ask, name)
    await wait_all_tasks_blocked()
    await ends.server.aclose()
    await wait_all_tasks_blocked()

    assert [type(result) for result in ends.results.values()] == [exceptions.ConnectionError] * 3


async def test_a_lost_link_takes_no_command(ends):
    await ends.server.aclose()
    await wait_all_tasks_blocked()

    with pytest.raises(exceptions.ConnectionError, match="closed"):
        await ends.link.call("PING")


async def test_an_error_reply_is_raised_as_redis_pys_class_for_it(ends, nursery):
    nursery.start_soon(ends.ask, "a")
    await wait_all_tasks_blocked()
    await ends.server.send_all(b"-READONLY You can't write against a read only replica.\r\n")
    await wait_all_tasks_blocked()

    assert isinstance(ends.results["a"], exceptions.ReadOnlyError)
    assert str(ends.results["a"]).startswith("READONLY You can't")


async def test_an_error_inside_an_answer_is_a_value_of_that_class(ends, nursery):
    nursery.start_soon(ends.ask, "a")
    await wait_all_tasks_blocked()
    await ends.server.send_all(b"*2\r\n:1\r\n*1\r\n-OOM no\r\n")
    await wait_all_tasks_blocked()

    number, (nested,) = ends.results["a"]
    assert number == 1
    assert isinstance(nested, exceptions.OutOfMemoryError)


@pytest.mark.parametrize("reply", [b"_\r\n", b"#f\r\n", b"*0\r\n"])
async def test_empty_answers_are_answers(ends, nursery, reply):
    nursery.start_soon(ends.ask, "a")
    await wait_all_tasks_blocked()
    await ends.server.send_all(reply)
    await wait_all_tasks_blocked()

    assert "a" in ends.results
    assert not ends.results["a"]


async def test_pushes_between_replies_are_handed_over_in_order_and_take_no_slot(nursery):
    pushes = []

    async def take(batch):
        pushes.append([push[2] for push in batch])

    ends = Ends(take_pushes=take)
    nursery.start_soon(ends.link.run)
    nursery.start_soon(ends.ask, "a")
    await wait_all_tasks_blocked()
    one, two = (b">3\r\n+message\r\n+ch\r\n:%d\r\n" % number for number in (1, 2))
    await ends.server.send_all(one + b":7\r\n" + two)
    await wait_all_tasks_blocked()

    assert pushes == [[1, 2]]
    assert ends.results == {"a": 7}


async def test_bytes_may_come_one_by_one(ends, nursery):
    nursery.start_soon(ends.ask, "a")
    await wait_all_tasks_blocked()
    for byte in b"*2\r\n$3\r\nabc\r\n:5\r\n":
        await ends.server.send_all(bytes([byte]))
    await wait_all_tasks_blocked()

    assert ends.results == {"a": [b"abc", 5]}


@pytest.mark.parametrize("nonsense", [b"HTTP/1.1 400 Bad Request\r\n", b"+OK\r\n"])
async def test_what_nobody_asked_for_ends_the_link(ends, nonsense):
    await ends.server.send_all(nonsense)
    await wait_all_tasks_blocked()

    assert ends.link.lost
    assert "RESP" in ends.link.reason


async def test_commands_sent_together_are_answered_each_by_its_own_outcome(ends, nursery):
    outcomes = []

    async def ask_all():
        outcomes.extend(await ends.link.call_all([("A",), ("B",), ("C",)]))

    nursery.start_soon(ask_all)
    await wait_all_tasks_blocked()
    await ends.server.send_all(b":1\r\n-ERR no\r\n")
    await ends.server.send_all(b":3\r\n")
    await wait_all_tasks_blocked()

    assert (outcomes[0].unwrap(), outcomes[2].unwrap()) == (1, 3)
    with pytest.raises(exceptions.ResponseError):
        outcomes[1].unwrap()
    assert len(ends.sends) == 1


async def test_the_replies_of_a_cancelled_group_never_reach_another(ends, nursery, autojump_clock):
    with trio.move_on_after(0.5):
        await ends.link.call_all([("A",), ("B",)])
    nursery.start_soon(ends.ask, "mine")
    await wait_all_tasks_blocked()
    await ends.server.send_all(b":1\r\n:2\r\n:3\r\n")
    await wait_all_tasks_blocked()

    assert ends.results == {"mine": 3}


async def test_a_full_link_makes_the_next_command_wait_for_room(nursery, autojump_clock):
    ends = Ends(Bounds(commands=2))
    nursery.start_soon(ends.link.run)
    for name in "abc":
        nursery.start_soon(ends.ask, name)
        await wait_all_tasks_blocked()
    assert b"".join(ends.sends).count(b"*1\r\n") == 2

    await ends.server.send_all(b":1\r\n")
    await wait_all_tasks_blocked()
    await ends.server.send_all(b":2\r\n:3\r\n")
    await wait_all_tasks_blocked()
    assert ends.results == {"a": 1, "b": 2, "c": 3}


async def test_a_link_that_stays_full_refuses_without_sending(nursery, autojump_clock):
    ends = Ends(Bounds(size=1))
    nursery.start_soon(ends.link.run)
    nursery.start_soon(ends.ask, "a")
    await wait_all_tasks_blocked()
    started = trio.current_time()
    with pytest.raises(exceptions.ConnectionError, match="not sent"):
        await ends.link.call("B")

    assert trio.current_time() - started == pytest.approx(0.4)
    assert len(ends.sends) == 1


async def test_a_link_can_be_given_up_with_a_reason(ends, nursery):
    nursery.start_soon(ends.ask, "a")
    await wait_all_tasks_blocked()
    ends.link.close_nowait("the feed is deaf")
    await wait_all_tasks_blocked()

    assert str(ends.results["a"]) == "the feed is deaf"
    assert await ends.server.receive_some(1000)
    assert await ends.server.receive_some(1000) == b""
