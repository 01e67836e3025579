"""Errors come out of the nursery bare, where there is only one."""

from __future__ import annotations

import pytest
import trio

from trio_gateway.client.flat_nursery import open_flat_nursery


async def fail(error):
    raise error


async def test_one_error_comes_out_as_it_is():
    error = KeyError("cause")
    error.__context__ = ValueError("before")

    async def run():
        async with open_flat_nursery() as nursery, open_flat_nursery():
            nursery.start_soon(fail, error)
            await trio.sleep_forever()

    with pytest.raises(KeyError) as caught:
        await run()

    assert caught.value is error
    assert isinstance(error.__context__, ValueError)


async def test_several_errors_come_out_as_a_group():
    with pytest.RaisesGroup(KeyError, ValueError):
        async with open_flat_nursery() as nursery:
            nursery.start_soon(fail, KeyError())
            nursery.start_soon(fail, ValueError())


async def test_cancellation_passes():
    with trio.CancelScope() as scope:
        async with open_flat_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            scope.cancel()
            await trio.sleep_forever()

    assert scope.cancelled_caught
