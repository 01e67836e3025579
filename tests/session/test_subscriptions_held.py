"""What a client holds ends in its time: new tokens for subscriptions, expiry, and channels from the server's side."""

from __future__ import annotations

import math

import pytest
from session.signing import OTHER_SECRET, signed
from session.strict_session import GRACE, NOW, Clock, code_of, ended_by, make_session, settings_of, subscription_token

from trio_gateway.model.commands import RefreshSubscription, Subscribe, Unsubscribe
from trio_gateway.model.directives import Override
from trio_gateway.model.errors import InvalidChannel, PermissionDenied, UnknownChannel
from trio_gateway.model.replies import SubscriptionRefreshed
from trio_gateway.session.claims import ServerSubscription
from trio_gateway.session.connecting import expires_in
from trio_gateway.session.effects import Detach
from trio_gateway.session.terms import Terms
from trio_gateway.settings.namespaces import ChannelRules, InboxRules, Namespaces

INFO = b'{"user":"7","client":"c1","conn_info":{"name":"Ada"}}'


def subscribed(clock=None, *, settings=None, ttl=60):
    """Make a session that has `$a` for so many seconds."""
    session = make_session(settings, clock=clock)
    session.receive(Subscribe(2, "$a", token=subscription_token(ttl=ttl)))
    return session


def refresh(session, token, channel="$a"):
    return session.receive(RefreshSubscription(3, channel, token))


def expired(session):
    return [channel for channel, _held in session.channels.expired()]


# -- New tokens


def test_a_new_token_is_answered_with_its_time():
    session = subscribed()

    assert refresh(session, subscription_token(ttl=90)) == SubscriptionRefreshed(3, 90)
    assert refresh(session, subscription_token()) == SubscriptionRefreshed(3, None)
    assert refresh(session, subscription_token(ttl=90, expire_at=0)) == SubscriptionRefreshed(3, None)


@pytest.mark.parametrize("channel", ["$b", "nowhere:x", "#8", "ü"])
def test_a_token_for_a_channel_that_the_client_has_not_is_refused(channel):
    assert code_of(refresh(subscribed(), subscription_token(channel, ttl=60), channel)) == 103


@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        signed({"sub": "7", "channel": "$a"}, key=OTHER_SECRET),
        signed({"sub": "7"}),
        subscription_token("$b"),
        subscription_token(user="8"),
        subscription_token(client="another"),
    ],
)
def test_a_wrong_token_ends_the_connection(token):
    assert ended_by(refresh, subscribed(), token) == 3500


@pytest.mark.parametrize(
    ("token", "code"), [(subscription_token(ttl=-60), 109), (subscription_token(expire_at=NOW - 60), 110)]
)
def test_an_expired_token_is_an_error_and_the_old_one_still_counts(token, code):
    session = subscribed()

    assert code_of(refresh(session, token)) == code
    assert session.channels.held["$a"].expire_at == NOW + 60


def test_an_insecure_server_takes_an_expired_token_for_ever():
    session = subscribed(settings=settings_of(insecure=True))

    assert refresh(session, subscription_token(ttl=-60)) == SubscriptionRefreshed(3, None)


@pytest.mark.parametrize(
    ("expire_at", "ttl"),
    [(0, None), (NOW + 60, 60), (NOW + 60.4, 60), (NOW + 0.2, 1), (NOW, 1), (NOW - 3, 1), (1e300, 2**32 - 1)],
)
def test_a_time_to_live_is_whole_seconds_from_one_on(expire_at, ttl):
    assert expires_in(expire_at, NOW) == ttl


# -- Expiry


def test_a_subscription_ends_when_its_time_and_the_grace_are_over():
    clock = Clock()
    session = subscribed(clock)
    assert session.due == NOW + 60 + GRACE

    clock.now = NOW + 60 + GRACE - 0.001
    assert expired(session) == []
    clock.now = session.due
    assert expired(session) == ["$a"]


def test_a_new_token_puts_the_end_off():
    clock = Clock()
    session = subscribed(clock)
    clock.now = NOW + 60
    refresh(session, subscription_token(ttl=120))

    clock.now = NOW + 60 + GRACE
    assert expired(session) == []
    assert session.due == NOW + 120 + GRACE


@pytest.mark.parametrize("expire_at", [NOW + 0.7, 1073741812.2821633, 2147483637.6255753])
def test_what_is_due_has_expired(expire_at):
    """However the sum of the times rounds."""
    clock = Clock()
    session = make_session(clock=clock)
    session.channels.have("a", ServerSubscription(expire_at=expire_at))
    clock.now = session.due

    assert expired(session) == ["a"]


def test_the_first_end_is_due_and_what_has_none_never_is():
    session = subscribed()
    assert make_session().due == math.inf

    session.channels.have("b", ServerSubscription(expire_at=NOW + 30))
    assert session.due == NOW + 30 + GRACE
    assert session.receive(Unsubscribe(4, "b")) == Detach(4, "b")
    assert session.due == NOW + 60 + GRACE


def test_a_time_before_all_times_has_passed():
    session = make_session()
    session.channels.have("a", ServerSubscription(expire_at=-1))

    assert expired(session) == ["a"]


# -- From the server's side


def test_a_channel_from_the_server_needs_no_permission():
    rules = ChannelRules(presence=True, join_leave=True)
    given = ServerSubscription(b'"x"', b"[1]", Override(force_recovery=True), NOW + 9)
    session = make_session(settings_of(without=rules))

    assert session.channels.have("$a", given) == Terms(
        positioned=True,
        recoverable=True,
        present=True,
        told=True,
        info=INFO[:-1] + b',"chan_info":"x"}',
        data=b"[1]",
        expire_at=NOW + 9,
        by_server=True,
    )
    assert session.channels.described("$a").endswith(b',"chan_info":"x"}')
    assert session.channels.described("b") == INFO


@pytest.mark.parametrize(
    ("channel", "refused"),
    [("nowhere:a", UnknownChannel), ("ü", InvalidChannel), ("#8", PermissionDenied), ("$:control", PermissionDenied)],
)
def test_a_channel_that_no_client_can_have_the_server_cant_give(channel, refused):
    session = make_session()

    with pytest.raises(refused):
        session.channels.have(channel, ServerSubscription())
    assert set(session.channels.held) == {"#7"}


def test_the_own_inbox_stays_and_is_not_counted():
    session = make_session(settings_of(namespaces=Namespaces(inbox=InboxRules(presence=True)), max_channels=1))

    assert code_of(session.receive(Unsubscribe(3, "#7"))) == 103
    assert session.channels.held["#7"].terms.present
    assert not session.channels.full


@pytest.mark.parametrize(
    ("channel", "may"),
    [("open:a", True), ("closed:a", False), ("$open:a", False), ("nowhere:a", False), ("", False), ("#7", False)],
)
def test_a_client_may_ask_at_its_connect_for_what_it_could_subscribe_to(channel, may):
    named = {"open": ChannelRules(allow_subscribe_for_client=True), "closed": ChannelRules()}

    assert make_session(settings_of(named=named)).channels.may_have(channel) is may
