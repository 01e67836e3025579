"""A subscription token decides alone: a right one opens a channel, a wrong one is refused, and one for others ends it all."""

from __future__ import annotations

import time

import pytest
from session.signing import OTHER_SECRET, SECRET, signed
from session.strict_session import (
    NOW,
    code_of,
    ended_by,
    make_session,
    settings_of,
    subscription_token,
)

from trio_gateway.model.commands import Subscribe
from trio_gateway.session.effects import Attach
from trio_gateway.session.terms import Terms
from trio_gateway.session.tokens import make_token
from trio_gateway.settings.namespaces import ChannelRules

OPEN = ChannelRules(allow_subscribe_for_client=True)
INFO = b'{"user":"7","client":"c1","conn_info":{"name":"Ada"}}'


def subscribe(session, channel, **fields):
    return session.receive(Subscribe(2, channel, **fields))


def test_a_token_decides_alone_and_the_namespace_says_the_rest():
    rules = ChannelRules(presence=True, join_leave=True, force_recovery=True)
    session = make_session(settings_of(without=rules))
    token = subscription_token(info={"role": "x"}, data=[1], ttl=60)

    assert subscribe(session, "$a", token=token) == Attach(
        2,
        "$a",
        Terms(
            positioned=True,
            recoverable=True,
            present=True,
            told=True,
            info=INFO[:-1] + b',"chan_info":{"role":"x"}}',
            data=b"[1]",
            expire_at=NOW + 60,
        ),
    )


def test_a_token_that_was_made_here_is_taken():
    session = make_session(clock=time.time)

    assert isinstance(subscribe(session, "$a", token=make_token(SECRET, "7", 60, channel="$a")), Attach)


def test_a_token_opens_channels_that_are_not_private_as_well():
    settings = settings_of(without=ChannelRules(allow_user_limited_channels=True))
    session = make_session(settings)

    assert isinstance(subscribe(session, "a", token=subscription_token("a")), Attach)
    assert isinstance(subscribe(session, "dialog#8", token=subscription_token("dialog#8")), Attach)


def test_a_wrong_token_is_not_made_up_for_by_a_permission():
    assert code_of(subscribe(make_session(settings_of(without=OPEN)), "a", token="nonsense")) == 103


def test_a_token_overrides_the_namespace():
    override = {"presence": {"value": True}, "force_recovery": {"value": True}}
    granted = subscribe(make_session(), "$a", token=subscription_token(override=override)).terms

    assert (granted.present, granted.recoverable) == (True, True)


def test_a_token_of_nobody_is_for_nobody():
    assert isinstance(subscribe(make_session(user=""), "$a", token=subscription_token(user="")), Attach)
    assert ended_by(subscribe_with(subscription_token(user="")), "$a") == 3500


def subscribe_with(token, **options):
    session = make_session(**options)
    return lambda channel: subscribe(session, channel, token=token)


@pytest.mark.parametrize(
    "token",
    [
        subscription_token("$b"),
        subscription_token(user="8"),
        subscription_token(client="another"),
    ],
)
def test_a_token_for_somebody_or_something_else_ends_the_connection(token):
    assert ended_by(subscribe_with(token), "$a") == 3500


def test_a_token_may_name_the_one_client_that_uses_it():
    assert isinstance(subscribe_with(subscription_token(client="c1"))("$a"), Attach)


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("nonsense", 103),
        (signed({"sub": "7", "channel": "$a"}, key=OTHER_SECRET), 103),
        (signed({"sub": "7"}), 103),
        (signed({"sub": 7, "channel": "$a"}), 103),
        (subscription_token(ttl=-60), 109),
        (subscription_token(nbf=NOW + 60), 109),
        (subscription_token(expire_at=NOW - 60), 110),
        (subscription_token(expire_at=-1), 110),
        (subscription_token(ttl=-60, expire_at=0), 109),
    ],
)
def test_a_token_that_does_not_count_is_an_error_and_changes_nothing(token, code):
    session = make_session(settings_of(without=OPEN))

    assert code_of(subscribe(session, "$a", token=token)) == code
    assert set(session.channels.held) == {"#7"}


@pytest.mark.parametrize(("ttl", "accepted"), [(1, True), (0, True), (-4, True), (-5, False)])
def test_a_token_that_has_just_expired_counts_as_clocks_differ_or_can_be_renewed(ttl, accepted):
    outcome = subscribe_with(subscription_token(ttl=ttl))("$a")

    assert isinstance(outcome, Attach) if accepted else code_of(outcome) == 109


def test_a_server_without_a_key_takes_no_token():
    session = make_session(settings_of(token_secret=None))

    assert code_of(subscribe(session, "$a", token=subscription_token())) == 103


def test_subscription_tokens_may_have_a_secret_of_their_own():
    session = make_session(settings_of(subscription_token_secret=OTHER_SECRET))

    assert code_of(subscribe(session, "$a", token=subscription_token())) == 103
    token = signed({"sub": "7", "channel": "$a"}, key=OTHER_SECRET)
    assert isinstance(subscribe(session, "$a", token=token), Attach)


def test_an_insecure_server_checks_a_token_but_not_its_time():
    settings = settings_of(insecure=True)

    assert subscribe(make_session(settings), "$a", token=subscription_token(ttl=-60)).terms.expire_at == 0
    assert code_of(subscribe(make_session(settings), "$a", token="nonsense")) == 103
    assert ended_by(subscribe_with(subscription_token("$b"), settings=settings), "$a") == 3500
