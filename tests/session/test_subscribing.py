"""Which channels a client has follows from names, permissions, limits, and tokens for them."""

from __future__ import annotations

import pytest
from session.strict_session import (
    code_of,
    make_session,
    settings_of,
    subscription_token,
)

from trio_gateway.model.commands import Subscribe, Unsubscribe
from trio_gateway.model.position import START, Position
from trio_gateway.model.replies import Unsubscribed
from trio_gateway.model.tags_filter import read_filter
from trio_gateway.session.claims import ServerSubscription
from trio_gateway.session.effects import Attach, Detach
from trio_gateway.session.subscribing import MAX_FILTER_BYTES
from trio_gateway.session.terms import Terms
from trio_gateway.settings.namespaces import ChannelRules

OPEN = ChannelRules(allow_subscribe_for_client=True)
INFO = b'{"user":"7","client":"c1","conn_info":{"name":"Ada"}}'


def subscribe(session, channel, **fields):
    return session.receive(Subscribe(2, channel, **fields))


def terms_of(rules, channel="open:a", *, user="7", **fields):
    attach = subscribe(make_session(settings_of(named={"open": rules}), user=user), channel, **fields)
    assert isinstance(attach, Attach), attach
    return attach.terms


# -- Names


@pytest.mark.parametrize(
    ("channel", "code"),
    [
        ("x" * 256, 107),
        ("öffentlich", 107),
        ("open:ü", 107),
        ("a\nb", 107),
        ("nowhere:a", 102),
        ("$nowhere:a", 102),
        (":a", 102),
        ("a", 103),
        ("$a", 103),
        ("$open:a", 103),
        ("#8", 103),
        ("#", 103),
        ("$:control", 103),
    ],
)
def test_a_channel_that_cant_be_had_is_refused_and_changes_nothing(channel, code):
    session = make_session(settings_of(named={"open": OPEN}))

    assert code_of(subscribe(session, channel)) == code
    assert set(session.channels.held) == {"#7"}


@pytest.mark.parametrize("channel", ["x" * 255, "open:a", "open:a:b", "a*&/,b"])
def test_a_channel_that_is_open_is_had(channel):
    session = make_session(settings_of(named={"open": OPEN}, without=OPEN))

    assert subscribe(session, channel) == Attach(2, channel, Terms(info=INFO))


def test_the_plain_protocol_has_names_beyond_ascii():
    session = make_session(settings_of(without=OPEN), strict=False)

    assert isinstance(subscribe(session, "öffentlich"), Attach)


@pytest.mark.parametrize(
    ("channel", "fits"),
    [("n:12", True), ("n:1x", False), ("n:x1", False), ("n:", False), ("n:a:1", False), ("n:é", True)],
)
def test_a_namespace_may_say_what_its_names_are_like(channel, fits):
    outcome = subscribe(make_session(settings_of(named={"n": attr(OPEN, channel_regex="[0-9]+|é")})), channel)

    assert isinstance(outcome, Attach) if fits else code_of(outcome) == 107


def attr(rules, **more):
    names = ("allow_subscribe_for_client", "allow_user_limited_channels")
    return ChannelRules(**{**{name: getattr(rules, name) for name in names}, **more})


def test_the_sign_of_a_private_channel_is_no_part_of_what_a_namespace_describes():
    session = make_session(settings_of(named={"n": attr(OPEN, channel_regex="[0-9]+")}))

    assert isinstance(subscribe(session, "$n:12", token=subscription_token("$n:12")), Attach)


def test_a_user_limited_channel_is_open_to_its_users():
    session = make_session(settings_of(without=ChannelRules(allow_user_limited_channels=True)))

    assert isinstance(subscribe(session, "dialog#6,7"), Attach)
    assert code_of(subscribe(session, "dialog#6,8")) == 103


@pytest.mark.parametrize(("channel", "code"), [("a", None), ("dialog#8", None), ("$a", 103), ("#8", 103)])
def test_an_insecure_server_opens_all_but_private_channels_and_inboxes(channel, code):
    settings = settings_of(insecure=True, without=ChannelRules(allow_user_limited_channels=True))
    outcome = subscribe(make_session(settings), channel)

    assert isinstance(outcome, Attach) if code is None else code_of(outcome) == code


# -- Limits, and the order of refusals


def test_a_channel_is_had_once_whoever_made_it():
    session = make_session(settings_of(without=OPEN))
    subscribe(session, "a")
    session.channels.have("b", ServerSubscription())

    assert [code_of(subscribe(session, channel)) for channel in ("a", "b", "#7")] == [105, 105, 105]


def test_nobody_has_no_inbox_to_subscribe_to_or_to_leave():
    session = make_session(settings_of(without=OPEN), user="")

    assert code_of(subscribe(session, "#")) == 103
    assert session.receive(Unsubscribe(3, "#")) == Unsubscribed(3)


def test_channels_from_the_server_count_and_the_inbox_does_not():
    session = make_session(settings_of(without=OPEN, max_channels=2))
    session.channels.have("a", ServerSubscription())

    assert isinstance(subscribe(session, "b"), Attach)
    assert session.channels.full
    assert code_of(subscribe(session, "c")) == 106


@pytest.mark.parametrize(
    ("channel", "code"), [("a", 105), ("ü", 107), ("#8", 103), ("nowhere:x", 102), ("$private", 106), ("closed", 106)]
)
def test_a_client_that_has_enough_is_told_first_what_is_wrong_with_a_name(channel, code):
    session = make_session(settings_of(max_channels=1))
    session.channels.have("a", ServerSubscription())

    assert code_of(subscribe(session, channel)) == code


def test_what_was_left_can_be_had_again():
    session = make_session(settings_of(without=OPEN, max_channels=1))
    subscribe(session, "a")

    assert session.receive(Unsubscribe(3, "a")) == Detach(3, "a")
    assert isinstance(subscribe(session, "b"), Attach)


# -- Wishes


@pytest.mark.parametrize(
    ("rules", "granted"),
    [
        ({}, (False, False, False)),
        ({"allow_positioning": True}, (True, False, False)),
        ({"allow_recovery": True}, (True, True, False)),
        ({"allow_history_for_client": True}, (True, True, False)),
        ({"allow_history_for_subscriber": True}, (True, True, False)),
        ({"allow_history_for_client": True, "history_size": 0}, (False, False, False)),
        ({"join_leave": True}, (False, False, False)),
        ({"join_leave": True, "allow_presence_for_client": True}, (False, False, True)),
        ({"join_leave": True, "allow_presence_for_subscriber": True}, (False, False, True)),
        ({"allow_presence_for_client": True}, (False, False, False)),
    ],
)
def test_wishes_are_granted_as_far_as_the_client_may(rules, granted):
    rules = ChannelRules(allow_subscribe_for_client=True, **rules)
    terms = terms_of(rules, positioned=True, recoverable=True, join_leave=True)

    assert (terms.positioned, terms.recoverable, terms.watches) == granted
    none = terms_of(rules)
    assert (none.positioned, none.recoverable, none.watches) == (False, False, False)


def test_anonymous_clients_have_their_wishes_where_they_may_read():
    rules = {"allow_subscribe_for_client": True, "allow_subscribe_for_anonymous": True}
    rules |= {"allow_history_for_subscriber": True}

    assert not terms_of(ChannelRules(**rules), user="", recoverable=True).recoverable
    assert terms_of(ChannelRules(**rules, allow_history_for_anonymous=True), user="", recoverable=True).recoverable


@pytest.mark.parametrize(("force", "recover"), [(True, Position("e", 3)), (False, None)])
def test_a_position_counts_only_where_the_subscription_is_recoverable(force, recover):
    session = make_session(settings_of(without=ChannelRules(allow_subscribe_for_client=True, force_recovery=force)))
    attach = subscribe(session, "a", recover=Position("e", 3), rejects_unrecovered=True)

    assert (attach.recover, attach.rejects_unrecovered) == (recover, True)


# -- Deltas and filters

BY_UNIT = read_filter(b'{"key":"unit","cmp":"eq","val":"EUR"}')
DELTAS = ChannelRules(allow_subscribe_for_client=True, allowed_delta_types=("fossil",), allow_tags_filter=True)


@pytest.mark.parametrize(("rules", "delta"), [(DELTAS, True), (OPEN, False)])
@pytest.mark.parametrize("by", ["permission", "token"])
def test_deltas_are_granted_where_the_namespace_allows_them(rules, delta, by):
    token = {} if by == "permission" else {"token": subscription_token("open:a")}

    assert terms_of(rules, delta=True, **token).delta is delta
    assert not terms_of(rules, **token).delta


@pytest.mark.parametrize("by", ["permission", "token"])
def test_a_filter_is_granted_or_refused(by):
    token = {} if by == "permission" else {"token": subscription_token("open:a")}
    session = make_session(settings_of(named={"open": OPEN}))

    assert terms_of(DELTAS, filter=BY_UNIT, **token).filter is BY_UNIT
    assert code_of(subscribe(session, "open:a", filter=BY_UNIT, **token)) == 107
    assert "open:a" not in session.channels.held


def test_who_may_not_subscribe_learns_nothing_of_filters():
    session = make_session(settings_of(named={"shut": ChannelRules()}))

    assert code_of(subscribe(session, "shut:a", filter=BY_UNIT)) == 103


def test_of_a_delta_and_a_filter_the_filter_is_granted():
    terms = terms_of(DELTAS, delta=True, filter=BY_UNIT)

    assert (terms.delta, terms.filter) == (False, BY_UNIT)


def test_the_filters_of_one_client_are_bounded_together():
    session = make_session(settings_of(named={"open": DELTAS}))
    large = read_filter(b'{"key":"a","cmp":"eq","val":"%b"}' % (b"x" * 4000))
    fitting = MAX_FILTER_BYTES // len(large.text)
    for number in range(fitting):
        assert isinstance(subscribe(session, f"open:{number}", filter=large), Attach)

    assert code_of(subscribe(session, "open:more", filter=large)) == 106
    session.receive(Unsubscribe(3, "open:0"))
    assert isinstance(subscribe(session, "open:more", filter=large), Attach)


# -- What is recovered

CACHE = {"allow_subscribe_for_client": True, "force_recovery": True, "force_recovery_mode": "cache"}


def recovered_from(rules, *, strict=True, **fields):
    attach = subscribe(make_session(settings_of(named={"open": rules}), strict=strict), "open:a", **fields)
    return attach.terms.latest, attach.recover, attach.recovering


def test_a_namespace_may_have_the_latest_publication_recovered_alone():
    asked = Position("e", 4)

    assert recovered_from(ChannelRules(**CACHE), recover=asked) == (True, asked, True)
    assert recovered_from(ChannelRules(**CACHE)) == (True, None, False)
    assert recovered_from(OPEN, recover=asked) == (False, None, True)


def test_it_may_be_recovered_without_asking():
    rules, asked = ChannelRules(**CACHE, auto_cache_recover=True), Position("e", 4)

    assert recovered_from(rules) == (True, START, False)
    assert recovered_from(rules, recover=asked) == (True, asked, True)
    assert recovered_from(rules, strict=False)[1] is None
