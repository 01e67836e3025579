"""In the Centrifugo protocol slips end the connection, and so does a token that does not go on with it."""

from __future__ import annotations

import math

import pytest
from session.signing import OTHER_SECRET, private, signed
from session.strict_session import GRACE, NOW, Clock, code_of, ended_by, make_session, settings_of, subscription_token

from trio_gateway.model.codes import DISCONNECT_CODES
from trio_gateway.model.commands import Break, Call, Connect, Message, Pong, Publish, Refresh, Subscribe
from trio_gateway.model.replies import Refreshed
from trio_gateway.session.effects import Ask, Store
from trio_gateway.session.keys import UnknownKey
from trio_gateway.settings.namespaces import ChannelRules


def token(ttl=None, **claims):
    times = {} if ttl is None else {"exp": NOW + ttl}
    return signed({"sub": "7", **times, **claims})


def refresh(session, text):
    return session.receive(Refresh(3, text))


# -- Slips


def test_a_second_connect_ends_the_connection():
    assert ended_by(make_session().receive, Connect(2)) == 3501


@pytest.mark.parametrize("disconnect", DISCONNECT_CODES[:3])
def test_what_breaks_the_protocol_ends_the_connection_with_its_code(disconnect):
    assert ended_by(make_session().receive, Break(disconnect, "why")) == disconnect.code


def test_a_message_that_nobody_takes_ends_the_connection():
    message = Message(None, b"1")

    assert ended_by(make_session().receive, message) == 3508
    assert make_session(answers=True).receive(message) == Ask(None, message)


def test_a_call_that_nobody_takes_is_answered():
    assert code_of(make_session().receive(Call(1, "m", b"1"))) == 108


# -- Pongs


def test_a_pong_that_was_not_asked_for_ends_the_connection():
    assert ended_by(make_session().receive, Pong()) == 3501


def test_each_ping_has_one_pong():
    session = make_session()
    session.note_ping()
    assert not session.ponged

    assert session.receive(Pong()) is None
    assert session.ponged
    assert ended_by(session.receive, Pong()) == 3501


def test_pongs_may_come_late_and_together():
    """While a command is carried out nobody reads: more than one ping may be waiting for its pong."""
    session = make_session()
    session.note_ping()
    session.note_ping()

    assert session.receive(Pong()) is None
    assert session.receive(Pong()) is None
    assert ended_by(session.receive, Pong()) == 3501


def test_the_plain_protocol_takes_any_pong():
    session = make_session(strict=False)

    assert session.receive(Pong()) is None
    assert session.ponged


# -- What a client publishes


def test_others_are_shown_who_published_and_a_subscribers_token_says_more():
    rules = ChannelRules(allow_publish_for_client=True)
    session = make_session(settings_of(without=rules))
    shown = b'{"user":"7","client":"c1","conn_info":{"name":"Ada"}'
    command = Publish(1, "$a", b"{}")

    assert session.receive(command) == Store(1, "$a", b"{}", "", "7", shown + b"}", command)
    session.receive(Subscribe(2, "$a", token=subscription_token(info="x")))
    assert session.receive(command).info == shown + b',"chan_info":"x"}'


# -- A new token for the connection


def test_a_new_token_is_answered_with_its_time_and_counts():
    session = make_session(expire_at=NOW + 60)

    assert refresh(session, token(90)) == Refreshed(3, 90)
    assert session.due == NOW + 90 + GRACE
    assert refresh(session, token()) == Refreshed(3, None)
    assert session.due == math.inf
    assert refresh(session, token(90, expire_at=NOW + 30)) == Refreshed(3, 30)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("nonsense", 3500),
        (signed({"sub": "7"}, key=OTHER_SECRET), 3500),
        (signed({"sub": 7}), 3500),
        (token(sub="8"), 3500),
        (token(sub=""), 3500),
        (token(channel="a"), 3500),
        (token(-60), 3005),
        (token(-5), 3005),
        (token(60, expire_at=NOW - 60), 3005),
        (token(60, expire_at=-1), 3005),
        (token(60, channels=["a"]), 3010),
        (token(60, subs={"a": {}}), 3010),
    ],
)
def test_a_token_that_does_not_go_on_with_the_connection_ends_it(text, code):
    session = make_session(expire_at=NOW + 60)

    assert ended_by(refresh, session, text) == code
    assert session.expire_at == NOW + 60


@pytest.mark.parametrize(
    ("claims", "goes_on"),
    [
        ({"channels": ["b", "a"]}, True),
        ({"subs": {"a": {"info": 1}, "b": {}}}, True),
        ({"channels": ["#7", "a", "b"]}, True),
        ({"channels": ["a"]}, False),
        ({}, False),
        ({"channels": ["a", "b", "c"]}, False),
    ],
)
def test_a_new_token_gives_the_same_channels(claims, goes_on):
    session = make_session(channels=["a", "b"])

    if goes_on:
        assert refresh(session, token(60, **claims)) == Refreshed(3, 60)
    else:
        assert ended_by(refresh, session, token(60, **claims)) == 3010


def test_nobody_goes_on_with_a_token_of_nobody():
    assert refresh(make_session(user=""), token(60, sub="")) == Refreshed(3, 60)


def test_on_an_insecure_server_nothing_expires():
    session = make_session(settings_of(insecure=True), expire_at=NOW - 60)

    assert not session.expired
    assert refresh(session, token(-60)) == Refreshed(3, None)
    assert session.due == math.inf
    assert ended_by(refresh, session, "nonsense") == 3500


def test_where_the_tokens_key_may_be_fetched_the_command_is_not_decided():
    """It can be received again once the key is there: connection and subscription tokens alike."""
    settings = settings_of(token_secret=None, token_jwks_url="https://id.example.com/jwks.json")
    unknown = {"key": private("p256"), "algorithm": "ES256", "kid": "new"}
    session = make_session(settings, expire_at=NOW + 60)

    with pytest.raises(UnknownKey):
        refresh(session, signed({"sub": "7"}, **unknown))
    with pytest.raises(UnknownKey):
        session.receive(Subscribe(2, "$a", token=signed({"sub": "7", "channel": "$a"}, **unknown)))
    assert session.expire_at == NOW + 60
    assert set(session.channels.held) == {"#7"}


# -- Expiry


def test_a_connection_ends_when_its_time_and_the_grace_are_over():
    clock = Clock()
    session = make_session(clock=clock, expire_at=NOW + 60)

    clock.now = NOW + 60 + GRACE - 0.001
    assert not session.expired
    clock.now = session.due
    assert session.expired


def test_a_connection_without_a_time_never_ends():
    clock = Clock()
    session = make_session(clock=clock)
    clock.now = NOW * 2

    assert not session.expired
    assert session.due == math.inf


@pytest.mark.parametrize("expire_at", [NOW + 0.7, 1073741812.2821633, 2147483637.6255753])
def test_what_is_due_has_expired(expire_at):
    """However the sum of the times rounds."""
    clock = Clock()
    session = make_session(clock=clock, expire_at=expire_at)
    clock.now = session.due

    assert session.expired
