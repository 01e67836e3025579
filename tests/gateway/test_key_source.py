"""The issuer's keys are there when a token needs them, and nobody can make the gateway ask for them often."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio
from captured_logs import capture_logs
from gateway.issuer import URL, Issuer
from session.signing import jwks, signed, verifier
from trio.testing import wait_all_tasks_blocked

from trio_gateway.gateway.admission.key_source import (
    FETCH_SECONDS,
    FRESH_SECONDS,
    PAUSE_SECONDS,
    KeySource,
    KeysUnavailable,
)
from trio_gateway.model.errors import BrokerUnavailable, Unauthorized


@asynccontextmanager
async def serving(issuer):
    """Serve a source of this issuer's keys; gives what checks a token with them."""
    judge = verifier(token_secret=None, token_jwks_url=URL)
    source = KeySource(judge, URL, issuer.fetch)

    async def check(token):
        return (await source.check(partial(judge.connection, token))).user

    async with trio.open_nursery() as nursery:
        await nursery.start(source.serve)
        yield check
        nursery.cancel_scope.cancel()


async def test_a_client_that_comes_during_the_first_fetch_waits_for_it(autojump_clock):
    issuer = Issuer(1)
    issuer.seconds = 3

    async with serving(issuer) as check:
        began = trio.current_time()
        assert await check(issuer.token(1)) == "7"
        assert trio.current_time() == began + 3
        assert await check(issuer.token(1)) == "7"
        assert trio.current_time() == began + 3

    assert len(issuer.fetches) == 1


async def test_a_new_key_is_fetched_when_a_token_names_it(autojump_clock):
    issuer = Issuer(1)

    async with serving(issuer) as check:
        await trio.sleep(PAUSE_SECONDS)
        issuer.publish(1, 2)
        assert await check(issuer.token(2)) == "7"
        assert await check(issuer.token(1)) == "7"
        await trio.sleep(PAUSE_SECONDS)
        issuer.publish(2)
        with pytest.raises(Unauthorized):
            await check(issuer.token(3))
        with pytest.raises(Unauthorized):
            await check(issuer.token(1))


async def test_a_hundred_clients_wait_for_one_fetch(autojump_clock):
    issuer = Issuer(1)
    users = []

    async with serving(issuer) as check:
        await trio.sleep(PAUSE_SECONDS)
        issuer.publish(2)
        issuer.seconds = 2

        async def come():
            users.append(await check(issuer.token(2)))

        async with trio.open_nursery() as nursery:
            for number in range(100):
                nursery.start_soon(come)
                if number % 2:
                    await trio.sleep(0.01)

    assert users == ["7"] * 100
    assert len(issuer.fetches) == 2


async def test_one_client_that_gives_up_does_not_end_the_fetch_for_the_others(autojump_clock):
    issuer = Issuer(1)
    issuer.seconds = 2

    async with serving(issuer) as check:
        with trio.move_on_after(1):
            await check(issuer.token(1))
        assert await check(issuer.token(1)) == "7"

    assert len(issuer.fetches) == 1


async def test_a_flood_of_unknown_keys_causes_a_fetch_every_ten_seconds(autojump_clock):
    issuer = Issuer(1)
    refused = 0

    async with serving(issuer) as check:
        with trio.move_on_after(PAUSE_SECONDS * 6 - 1):
            while True:
                try:
                    await check(issuer.token(99))
                except Unauthorized:
                    refused += 1
                await trio.sleep(0.1)

    assert refused > 400, "they are answered at once"
    assert [round(after - before) for before, after in zip(issuer.fetches, issuer.fetches[1:], strict=False)] == [
        PAUSE_SECONDS
    ] * 5


async def test_a_key_that_came_during_the_pause_is_known_after_it(autojump_clock):
    issuer = Issuer(1)

    async with serving(issuer) as check:
        await check(issuer.token(1))
        issuer.publish(2)
        with pytest.raises(Unauthorized):
            await check(issuer.token(2))
        await trio.sleep(PAUSE_SECONDS)
        assert await check(issuer.token(2)) == "7"


async def test_keys_are_fetched_again_when_they_are_old_and_used_and_nobody_waits(autojump_clock):
    issuer = Issuer(1)

    async with serving(issuer) as check:
        await check(issuer.token(1))
        await trio.sleep(FRESH_SECONDS * 3)
        assert len(issuer.fetches) == 1, "nobody came"
        issuer.seconds = 1
        issuer.publish(2)
        began = trio.current_time()
        assert await check(issuer.token(1)) == "7"
        assert trio.current_time() == began
        await trio.sleep(2)
        with pytest.raises(Unauthorized):
            await check(issuer.token(1))

    assert len(issuer.fetches) == 2


BROKEN = [
    OSError("connection refused"),
    ValueError("expected the status 200, not 500"),
    b"<html>",
    b'{"keys":',
    jwks(*[{}] * 101),
]


@pytest.mark.parametrize("answer", BROKEN, ids=lambda answer: str(answer)[:20])
async def test_while_the_issuer_is_down_the_old_keys_count_and_one_line_says_so(answer, autojump_clock):
    issuer = Issuer(1)

    with capture_logs() as lines:
        async with serving(issuer) as check:
            await check(issuer.token(1))
            await trio.sleep(PAUSE_SECONDS)
            if isinstance(answer, bytes):
                issuer.body = answer
            else:
                issuer.error = answer
            for _ in range(5):
                with pytest.raises(KeysUnavailable):
                    await check(issuer.token(2))
                assert await check(issuer.token(1)) == "7"
                await trio.sleep(PAUSE_SECONDS)
            issuer.error = None
            issuer.publish(2)
            await trio.sleep(PAUSE_SECONDS)
            assert await check(issuer.token(2)) == "7"

    assert [(line["event"], line["log_level"]) for line in lines] == [
        ("fetched the keys of the tokens' issuer", "info"),
        ("no keys from the tokens' issuer; trying again", "warning"),
        ("fetched the keys of the tokens' issuer", "info"),
    ]
    assert "password" not in str(lines)


async def test_an_issuer_that_does_not_answer_is_given_five_seconds(autojump_clock):
    issuer = Issuer(1)
    issuer.seconds = 1000

    with capture_logs() as lines:
        async with serving(issuer) as check:
            began = trio.current_time()
            with pytest.raises(KeysUnavailable):
                await check(issuer.token(1))
            assert trio.current_time() == began + FETCH_SECONDS
            issuer.seconds = 0
            await trio.sleep(PAUSE_SECONDS)
            assert await check(issuer.token(1)) == "7"

    assert lines[0]["reason"] == "no answer within 5 s"


async def test_a_client_that_comes_while_the_issuer_is_down_is_told_to_come_again(autojump_clock):
    issuer = Issuer(1)
    issuer.error = OSError("down")

    async with serving(issuer) as check:
        await wait_all_tasks_blocked()
        began = trio.current_time()
        with pytest.raises(BrokerUnavailable) as refused:
            await check(issuer.token(1))
        assert refused.value.code == 100
        assert trio.current_time() == began, "at once"


async def test_an_issuer_that_publishes_no_keys_stands_for_no_token(autojump_clock):
    issuer = Issuer(1)

    async with serving(issuer) as check:
        await check(issuer.token(1))
        await trio.sleep(PAUSE_SECONDS)
        issuer.publish()
        for number in (2, 1):
            with pytest.raises(Unauthorized):
                await check(issuer.token(number))


async def test_where_nobody_serves_nobody_waits_for_ever(autojump_clock):
    issuer = Issuer(1)
    judge = verifier(token_jwks_url=URL)

    with pytest.raises(KeysUnavailable):
        await KeySource(judge, URL, issuer.fetch).check(partial(judge.connection, issuer.token(1)))


async def test_without_a_url_there_is_nothing_to_do(autojump_clock):
    from trio_gateway.settings.settings import Settings

    judge = verifier()
    source = KeySource.of(Settings(), judge)
    async with trio.open_nursery() as nursery:
        await nursery.start(source.serve)

    assert (await source.check(partial(judge.connection, signed()))).user == "7"
    with pytest.raises(Unauthorized):
        await source.check(partial(judge.connection, "no token"))
