"""The contract of marks: small facts that every node reads, until their time runs out."""

from __future__ import annotations

import pytest

from trio_gateway.model.errors import BadRequest


async def test_a_mark_is_read_as_it_was_put(broker):
    await broker.put_mark("blocked:ü 7", b"\x00\xff:\n", ttl=60)
    await broker.put_mark("empty", b"", ttl=60)

    assert await broker.marks() == {"blocked:ü 7": b"\x00\xff:\n", "empty": b""}


async def test_without_marks_there_are_none(broker):
    assert await broker.marks() == {}


async def test_a_mark_replaces_the_one_of_the_same_name(broker):
    for value in (b"1", b"2"):
        await broker.put_mark("a", value, ttl=60)

    assert await broker.marks() == {"a": b"2"}


async def test_no_time_to_live_removes_a_mark(broker):
    await broker.put_mark("a", b"1", ttl=60)
    await broker.put_mark("b", b"2", ttl=60)
    for _ in range(2):
        await broker.put_mark("a", b"", ttl=0)

    assert await broker.marks() == {"b": b"2"}


async def test_a_mark_whose_time_ran_out_is_not_read(store, broker):
    await broker.put_mark("a", b"1", ttl=60)
    await broker.put_mark("b", b"2", ttl=60)
    store.let_mark_expire("a")

    assert await broker.marks() == {"b": b"2"}


async def test_a_name_and_a_value_may_have_512_bytes(broker):
    await broker.put_mark("ü" * 256, b"x" * 512, ttl=60)

    assert await broker.marks() == {"ü" * 256: b"x" * 512}


@pytest.mark.parametrize(
    ("name", "value", "ttl"),
    [
        ("", b"1", 60),
        ("x" * 513, b"1", 60),
        ("ü" * 257, b"1", 60),
        ("a\nb", b"1", 60),
        ("\udc80", b"1", 60),
        ("a", b"x" * 513, 60),
        ("a", b"1", -1),
        ("a", b"1", 0.0001),
    ],
)
async def test_a_mark_of_another_form_is_refused(broker, name, value, ttl):
    with pytest.raises(BadRequest):
        await broker.put_mark(name, value, ttl=ttl)

    assert await broker.marks() == {}
