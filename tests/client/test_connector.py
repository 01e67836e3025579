"""Reconnecting: when, how soon, and when not."""

from __future__ import annotations

import pytest
import trio
from captured_logs import capture_logs

from trio_gateway.client import ConnectionEnded, UpgradeRefused
from trio_gateway.model.errors import BadRequest, PermissionDenied, Unauthorized


async def test_the_network_being_away_is_waited_out(autojump_clock, gateway, nursery):
    gateway.refusals = [OSError("refused")] * 20
    nursery.start_soon(gateway.greet)

    async with gateway.connect():
        pass

    gaps = [after - before for before, after in zip(gateway.attempts, gateway.attempts[1:], strict=False)]
    assert len(gaps) == 20
    assert gaps[0] <= 0.5
    assert max(gaps) <= 20


@pytest.mark.parametrize(
    "refusal", [OSError("no route"), trio.BrokenResourceError(), "hang up", "silent", (502, [], b"")]
)
async def test_what_may_pass_is_tried_again(autojump_clock, gateway, nursery, refusal):
    gateway.refusals = [refusal]
    nursery.start_soon(gateway.greet)

    async with gateway.connect():
        pass

    assert len(gateway.attempts) == 2
    assert gateway.attempts[1] - gateway.attempts[0] <= 10.5


async def test_a_hang_up_during_the_upgrade_is_noticed_at_once(autojump_clock, gateway, nursery):
    gateway.refusals = ["hang up"]
    nursery.start_soon(gateway.greet)

    async with gateway.connect():
        pass

    assert gateway.attempts[1] - gateway.attempts[0] <= 0.5


async def test_a_full_server_is_left_alone_as_long_as_it_asks(autojump_clock, gateway, nursery):
    gateway.refusals = [(503, [(b"Retry-After", b"7")], b'{"code":106,"message":"limit exceeded"}')]
    nursery.start_soon(gateway.greet)

    async with gateway.connect():
        pass

    assert 7 <= gateway.attempts[1] - gateway.attempts[0] <= 7.5


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, b'{"code":107,"message":"bad request"}', BadRequest),
        (401, b"<html>", Unauthorized),
        (403, b'{"code":103,"message":"permission denied"}', PermissionDenied),
        (403, b"", UpgradeRefused),
        (404, b"", UpgradeRefused),
    ],
)
async def test_a_refusal_for_good_is_raised_at_once(autojump_clock, gateway, status, body, error):
    gateway.refusals = [(status, [], body)]

    with pytest.raises(error):
        async with gateway.connect():
            pytest.fail("the block must not begin")

    assert len(gateway.attempts) == 1


async def test_a_server_that_never_says_hello_is_left_after_ten_seconds(autojump_clock, gateway, nursery):
    async def serve():
        await gateway.accept()
        await gateway.greet()

    nursery.start_soon(serve)
    async with gateway.connect():
        pass

    assert 10 <= gateway.attempts[1] - gateway.attempts[0] <= 10.5


async def test_the_delay_of_a_goodbye_is_kept_exactly(autojump_clock, gateway, nursery):
    closed_at = None

    async def serve():
        nonlocal closed_at
        connection = await gateway.greet()
        await connection.goodbye(3001, "shutdown", reconnect_ms=840)
        await connection.close(3001, "shutdown")
        closed_at = trio.current_time()
        connection = await gateway.greet()
        await connection.message(1)

    nursery.start_soon(serve)
    async with gateway.connect() as inbox:
        await anext(inbox)

    assert gateway.attempts[1] - closed_at == pytest.approx(0.84)


async def test_a_goodbye_before_the_hello_counts_as_well(autojump_clock, gateway, nursery):
    async def serve():
        connection = await gateway.accept()
        await connection.goodbye(3001, "shutdown", reconnect_ms=3000)
        await connection.close(3001, "shutdown")
        await gateway.greet()

    nursery.start_soon(serve)
    async with gateway.connect():
        pass

    assert gateway.attempts[1] - gateway.attempts[0] == pytest.approx(3)


async def test_a_goodbye_without_a_delay_is_for_good(autojump_clock, gateway, nursery):
    async def serve():
        connection = await gateway.greet()
        await connection.goodbye(3001, "moved away")
        await connection.close(3001, "moved away")

    nursery.start_soon(serve)
    with pytest.raises(ConnectionEnded) as caught:
        async with gateway.connect() as inbox:
            await anext(inbox)

    assert (caught.value.code, caught.value.reason) == (3001, "moved away")


@pytest.mark.parametrize("code", [3500, 3503, 3999, 4500, 4999, 1009])
async def test_terminal_codes_are_raised_after_the_messages_before_them(autojump_clock, gateway, nursery, code):
    async def serve():
        connection = await gateway.greet()
        await connection.message(1)
        await connection.close(code, "enough")

    nursery.start_soon(serve)
    async with gateway.connect() as inbox:
        assert (await anext(inbox)).offset == 1
        for _ in range(2):
            with pytest.raises(ConnectionEnded, match="enough") as caught:
                await anext(inbox)

        assert (caught.value.code, caught.value.reason) == (code, "enough")
        with pytest.raises(ConnectionEnded):
            await inbox.send("8", 1)

    assert len(gateway.attempts) == 1


@pytest.mark.parametrize("code", [1000, 1001, 1011, 3000, 3001, 3012, 3499, 4000, 4499])
async def test_other_codes_are_no_reason_to_stay_away(autojump_clock, gateway, nursery, code):
    async def serve():
        connection = await gateway.greet()
        await connection.close(code)
        connection = await gateway.greet()
        await connection.message(1)

    nursery.start_soon(serve)
    async with gateway.connect() as inbox:
        assert (await anext(inbox)).offset == 1


async def test_a_connection_that_lived_a_while_resets_the_delay(autojump_clock, gateway, nursery):
    gateway.refusals = [OSError()] * 10

    async def serve():
        for offset in (1, 2, 3):
            connection = await gateway.greet()
            await trio.sleep(6)
            await connection.message(offset)
            lost_at.append(trio.current_time())
            await connection.lose()

    lost_at = []
    nursery.start_soon(serve)
    async with gateway.connect() as inbox:
        for _ in range(3):
            await anext(inbox)

    returns = [attempt - lost for lost, attempt in zip(lost_at, gateway.attempts[11:], strict=False)]
    assert returns
    assert max(returns) <= 0.5


async def test_connections_that_break_at_once_do_not_reset_it(autojump_clock, gateway, nursery):
    async def serve():
        while True:
            connection = await gateway.greet()
            await connection.lose()

    nursery.start_soon(serve)
    with trio.move_on_after(1000):
        async with gateway.connect() as inbox:
            await anext(inbox)

    # Full jitter at 20 s makes about 100 attempts in 1,000 s; at half a second it would be 4,000.
    assert len(gateway.attempts) < 400


def told(lines, level):
    return [line["event"] for line in lines if line["log_level"] == level]


async def test_an_outage_is_told_once_however_many_attempts_it_takes(autojump_clock, gateway, nursery):
    async def serve():
        connection = await gateway.greet()
        gateway.refusals = [OSError(111, "Connection refused")] * 20
        await connection.close(1001, "away")
        connection = await gateway.greet()
        await connection.message(1)

    nursery.start_soon(serve)
    with capture_logs() as lines:
        async with gateway.connect() as inbox:
            await anext(inbox)

    assert told(lines, "info") == [
        "the connection was closed: 1001 away; connecting again",
        "could not connect to gateway: Connection refused; connecting again",
        "connected again",
    ]
    assert len(told(lines, "debug")) == 21


async def test_each_outage_is_told(autojump_clock, gateway, nursery):
    async def serve():
        for offset in (1, 2, 3):
            connection = await gateway.greet()
            await connection.message(offset)
            await connection.close(1001)

    nursery.start_soon(serve)
    with capture_logs() as lines:
        async with gateway.connect() as inbox:
            for _ in range(3):
                await anext(inbox)

    assert told(lines, "info").count("connected again") == 2


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (OSError(111, "Connection refused"), "Connection refused"),
        (trio.BrokenResourceError(), "the server hung up"),
        ("hang up", "the server closed instead of answering the upgrade"),
        ("silent", "no answer within 10 s"),
        ((502, [], b""), "refused with HTTP status 502"),
    ],
)
async def test_what_keeps_it_away_is_told_in_words(autojump_clock, gateway, nursery, refusal, words):
    gateway.refusals = [refusal]
    nursery.start_soon(gateway.greet)
    with capture_logs() as lines:
        async with gateway.connect():
            pass

    (line,) = told(lines, "info")
    assert words in line
    assert "Error" not in line
