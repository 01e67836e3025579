"""Nobody there at the first attempt is no gateway; nobody there later is an outage."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from trio_gateway.cli.first_dial import first_dial
from trio_gateway.client.address import make_address
from trio_gateway.model.errors import ConfigurationError

ADDRESS = make_address("ws://gateway:1", user="7", token=None, device=None, ssl_context=None)


async def dial(outcomes: list[OSError | None]) -> trio.abc.Stream:
    await trio.lowlevel.checkpoint()
    outcome = outcomes.pop(0)
    if outcome is not None:
        raise outcome
    return trio.testing.memory_stream_pair()[0]


async def test_nobody_at_the_first_attempt_ends_it_with_what_to_do() -> None:
    open_stream = first_dial("ws://gateway:1/ws", lambda _address: dial([OSError(111, "Connection refused")]))
    with pytest.raises(ConfigurationError) as refusal:
        await open_stream(ADDRESS)
    assert str(refusal.value) == (
        "no gateway runs at ws://gateway:1/ws (Connection refused); start one with `trio-gateway serve`, or give its URL"
    )


async def test_once_it_was_found_its_absence_is_waited_out() -> None:
    outcomes = [None, OSError("away"), None]
    open_stream = first_dial("ws://gateway:1/ws", lambda _address: dial(outcomes))
    await open_stream(ADDRESS)
    with pytest.raises(OSError, match="away"):
        await open_stream(ADDRESS)
    await open_stream(ADDRESS)
