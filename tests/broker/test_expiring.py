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
