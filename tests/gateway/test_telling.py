"""What the application breaks with when it is told of an end is logged now and then, and what it can't help is not."""

from __future__ import annotations

import pytest
import trio
from captured_logs import capture_logs
from hooks.asking import REQUESTS

from trio_gateway import errors
from trio_gateway.gateway.nodes.telling import TELL_SECONDS, Telling
from trio_gateway.model.seldom import LOG_SECONDS

REQUEST = REQUESTS["disconnected"]


def failing(error):
    async def hear(_request):
        raise error

    return Telling(hear)


async def test_a_broken_application_is_logged_with_its_traceback_at_most_once_in_a_while(autojump_clock):
    telling = failing(TypeError("a bug"))
    with capture_logs() as lines:
        for _ in range(3):
            assert not await telling.tell(REQUEST)
        await trio.sleep(LOG_SECONDS)
        assert not await telling.tell(REQUEST)

    assert [(line["log_level"], line["failures"]) for line in lines] == [("warning", 1), ("warning", 3)]
    assert {line["exc_info"][0] for line in lines} == {TypeError}


async def test_one_that_is_away_is_logged_by_who_asks_it():
    with capture_logs() as lines:
        assert not await failing(errors.HookUnavailable("away")).tell(REQUEST)

    assert [line["log_level"] for line in lines] == ["debug"]


async def test_one_that_hangs_is_waited_for_so_long(autojump_clock):
    async def hang(_request):
        await trio.sleep_forever()

    with capture_logs() as lines:
        assert not await Telling(hang).tell(REQUEST)

    assert trio.current_time() == pytest.approx(TELL_SECONDS)
    assert lines[0]["exc_info"][0] is trio.TooSlowError
