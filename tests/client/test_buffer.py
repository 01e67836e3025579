"""The bounded buffer between reading and handing out."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from trio_gateway.client.buffer import Buffer


@pytest.fixture
def record():
    return []


async def put_all(buffer, values, record):
    for value, size in values:
        await buffer.put(value, size)
        record.append(value)


@pytest.mark.parametrize(("buffer", "size"), [(Buffer(max_values=3), 1), (Buffer(max_bytes=30), 10)])
async def test_a_full_buffer_lets_the_reader_wait(nursery, record, buffer, size):
    nursery.start_soon(put_all, buffer, [(value, size) for value in "abcde"], record)
    await trio.testing.wait_all_tasks_blocked()
    assert record == ["a", "b", "c"]

    assert await buffer.get() == "a"
    await trio.testing.wait_all_tasks_blocked()
    assert record == ["a", "b", "c", "d"]


async def test_a_value_larger_than_the_buffer_passes_alone(nursery, record):
    buffer = Buffer(max_bytes=10)
    nursery.start_soon(put_all, buffer, [("small", 1), ("huge", 1000), ("small", 1)], record)

    assert [await buffer.get() for _ in range(3)] == ["small", "huge", "small"]


async def test_the_end_comes_after_the_last_value():
    buffer = Buffer()
    await buffer.put("last", 1)
    buffer.end(KeyError("over"))

    assert await buffer.get() == "last"
    with pytest.raises(KeyError):
        await buffer.get()


async def test_a_cancelled_get_loses_no_value():
    buffer = Buffer()
    await buffer.put("a", 1)
    with trio.CancelScope() as scope:
        scope.cancel()
        await buffer.get()

    assert await buffer.get() == "a"
