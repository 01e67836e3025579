"""Confirmations are counted in order, per name."""

from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from trio_gateway.broker.redis.subscriptions import Subscriptions


@pytest.fixture
def subscriptions():
    return Subscriptions()


def follow(subscriptions, name=b"a"):
    subscription = subscriptions.add(name, name.decode())
    subscriptions.note_subscribed([name])
    return subscription


def leave(subscriptions, name=b"a"):
    subscriptions.discard(name)
    subscriptions.note_unsubscribed(name)


def test_a_subscription_is_confirmed_by_its_own_confirmation(subscriptions):
    subscription = follow(subscriptions)
    assert not subscription.confirmed

    subscriptions.take_confirmation(b"a")
    assert subscription.confirmed


def test_followed_left_and_followed_again_only_the_third_confirmation_counts(subscriptions):
    follow(subscriptions)
    leave(subscriptions)
    second = follow(subscriptions)

    confirmed = []
    for _ in range(3):
        subscriptions.take_confirmation(b"a")
        confirmed.append(second.confirmed)
    assert confirmed == [False, False, True]


def test_names_do_not_confirm_each_other(subscriptions):
    one, other = follow(subscriptions, b"a"), follow(subscriptions, b"b")
    subscriptions.take_confirmation(b"b")

    assert (one.confirmed, other.confirmed) == (False, True)


def test_a_lost_link_takes_back_every_confirmation(subscriptions):
    old = follow(subscriptions)
    subscriptions.take_confirmation(b"a")
    waiting = follow(subscriptions, b"b")
    subscriptions.note_lost()

    assert not old.confirmed
    subscriptions.take_confirmation(b"b")  # of nothing that is still to come
    assert not waiting.confirmed


def test_what_is_followed_is_known_until_it_is_left(subscriptions):
    follow(subscriptions, b"a")
    follow(subscriptions, b"b")
    leave(subscriptions, b"a")

    assert subscriptions.names() == [b"b"]
    assert subscriptions.get(b"a") is None


async def test_everybody_who_waits_learns_of_the_confirmation(subscriptions, nursery):
    subscription = follow(subscriptions)
    for _ in range(3):
        nursery.start_soon(subscription.wait_confirmed)
    await wait_all_tasks_blocked()
    subscriptions.take_confirmation(b"a")

    with trio.fail_after(5):
        await subscription.wait_confirmed()
