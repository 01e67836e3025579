"""Reconnecting: full jitter between nothing and a bound that doubles."""

from __future__ import annotations

from trio_gateway.broker.redis import backoff as module
from trio_gateway.broker.redis.backoff import Backoff


def test_the_bounds_double_from_50_ms_to_2_s(monkeypatch):
    monkeypatch.setattr(module.random, "uniform", lambda _low, high: high)
    backoff = Backoff()

    assert [backoff.next() for _ in range(8)] == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]


def test_the_wait_is_anything_up_to_the_bound(monkeypatch):
    monkeypatch.setattr(module.random, "uniform", lambda low, _high: low)

    assert Backoff().next() == 0


def test_a_success_begins_anew(monkeypatch):
    monkeypatch.setattr(module.random, "uniform", lambda _low, high: high)
    backoff = Backoff()
    backoff.next()
    backoff.reset()

    assert backoff.next() == 0.05
