"""Entries expire by themselves, and what is forgotten takes no memory."""

from __future__ import annotations

import pytest

from trio_gateway.broker.expiring import Expiring


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def entries(clock):
    return Expiring(clock)


def test_an_entry_is_there_until_its_time(entries, clock):
    entries.put("a", 1, ttl=10)
    clock.now = 9.9
    assert entries.get("a") == 1
    clock.now = 10
    assert entries.get("a") is None


def test_a_renewed_entry_lives_on(entries, clock):
    entries.put("a", 1, ttl=10)
    clock.now = 9
    entries.put("a", 2, ttl=10)
    clock.now = 18
    assert entries.get("a") == 2
    clock.now = 19
    assert entries.get("a") is None


def test_a_discarded_entry_is_gone_and_may_come_again(entries, clock):
    entries.put("a", 1, ttl=10)
    entries.discard("a")
    assert entries.get("a") is None
    clock.now = 5
    entries.put("a", 2, ttl=10)
    clock.now = 14
    assert entries.get("a") == 2


def test_what_expired_takes_no_memory(entries, clock):
    for number in range(1000):
        clock.now = number
        entries.put(number, number, ttl=10)

    assert len(entries) == 10
    assert len(entries._due) == 10


def test_renewing_takes_no_memory(entries, clock):
    for number in range(1000):
        clock.now = number / 1000
        entries.put("a", number, ttl=10)

    assert len(entries._due) == 1


def test_an_entry_may_be_renewed_to_an_earlier_time(entries, clock):
    entries.put("a", 1, ttl=10)
    entries.put("a", 2, ttl=5)
    clock.now = 4.9
    assert entries.get("a") == 2
    clock.now = 5
    assert entries.get("a") is None


def test_an_entry_that_goes_and_comes_takes_no_memory_for_longer_than_its_time(entries, clock):
    for number in range(1000):
        clock.now = number / 10
        entries.put("a", number, ttl=10)
        entries.discard("a")
    entries.put("a", 0, ttl=10)
    for number in range(1000, 1200):
        clock.now = number / 10
        entries.put("a", number, ttl=10)

    assert len(entries._due) == 1


def test_all_that_is_present_is_given(entries, clock):
    entries.put("a", 1, ttl=10)
    entries.put("b", 2, ttl=5)
    clock.now = 5

    assert entries.present() == {"a": 1}


def test_what_expired_is_told_once_and_what_was_discarded_never(clock):
    expired = []
    entries = Expiring(clock, lambda key, value: expired.append((key, value)))
    entries.put("a", 1, ttl=10)
    entries.put("b", 2, ttl=10)
    entries.put("a", 3, ttl=20)
    entries.discard("b")
    for clock.now in (10, 20, 30):
        entries.forget()

    assert expired == [("a", 3)]
