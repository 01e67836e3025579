"""Terms follow the namespace, then a token's overrides; what the client wishes for is granted on top."""

from __future__ import annotations

import pytest

from trio_gateway.model.directives import Override
from trio_gateway.session.terms import Terms, Wishes, channel_terms, inbox_terms
from trio_gateway.settings.namespaces import ChannelRules, InboxRules

NONE = Override()
KEEPS = {"history_size": 10, "history_ttl": 60}
KEEPS_NOTHING = {"history_size": 0}


def terms(rules, override=NONE, **wishes):
    return channel_terms(ChannelRules(**rules), override, Wishes(**wishes))


def placed(granted):
    return granted.positioned, granted.recoverable


@pytest.mark.parametrize(
    ("rules", "override", "wishes", "expected"),
    [
        (KEEPS, {}, {}, (False, False)),
        (KEEPS | {"force_positioning": True}, {}, {}, (True, False)),
        (KEEPS | {"force_recovery": True}, {}, {}, (True, True)),
        (KEEPS, {}, {"positioned": True}, (True, False)),
        (KEEPS, {}, {"recoverable": True}, (True, True)),
        (KEEPS, {"force_positioning": True}, {}, (True, False)),
        (KEEPS, {"force_recovery": True}, {}, (True, True)),
        (KEEPS | {"force_positioning": True}, {"force_positioning": False}, {}, (False, False)),
        (KEEPS | {"force_recovery": True}, {"force_recovery": False}, {}, (False, False)),
        (KEEPS | {"force_recovery": True}, {"force_recovery": False}, {"recoverable": True}, (True, True)),
        (KEEPS | {"force_recovery": True}, {"force_positioning": False}, {}, (True, True)),
        (KEEPS_NOTHING | {"force_positioning": True}, {}, {}, (False, False)),
        (KEEPS_NOTHING, {"force_recovery": True, "force_positioning": True}, {}, (False, False)),
        (KEEPS_NOTHING, {}, {"positioned": True, "recoverable": True}, (False, False)),
        ({"history_ttl": 0}, {"force_recovery": True}, {}, (False, False)),
    ],
)
def test_a_position_needs_a_history_and_somebody_who_wants_it(rules, override, wishes, expected):
    assert placed(terms(rules, Override(**override), **wishes)) == expected


@pytest.mark.parametrize(
    ("own", "override", "present"),
    [(False, None, False), (True, None, True), (False, True, True), (True, False, False)],
)
def test_presence_is_the_namespaces_unless_it_is_overridden(own, override, present):
    assert terms({"presence": own}, Override(presence=override)).present is present


@pytest.mark.parametrize(
    ("rules", "override", "wishes", "expected"),
    [
        ({}, {}, {}, (False, False)),
        ({"join_leave": True}, {}, {}, (True, False)),
        ({"join_leave": True}, {}, {"watches": True}, (True, True)),
        ({"join_leave": True, "force_push_join_leave": True}, {}, {}, (True, True)),
        ({}, {"join_leave": True}, {}, (True, False)),
        ({"join_leave": True}, {"force_push_join_leave": True}, {}, (True, True)),
        ({"join_leave": True, "force_push_join_leave": True}, {"force_push_join_leave": False}, {}, (True, False)),
        # Whether others are told of a client and whether it is told of others are two things.
        ({"join_leave": True, "force_push_join_leave": True}, {"join_leave": False}, {}, (False, True)),
        ({"join_leave": True}, {"join_leave": False}, {"watches": True}, (False, True)),
        ({}, {"force_push_join_leave": True}, {}, (False, True)),
    ],
)
def test_who_is_told_of_whom(rules, override, wishes, expected):
    granted = terms(rules, Override(**override), **wishes)

    assert (granted.told, granted.watches) == expected


def test_further_terms_are_passed_on():
    granted = channel_terms(ChannelRules(), NONE, info=b"{}", data=b"1", expire_at=5, by_server=True)

    assert granted == Terms(info=b"{}", data=b"1", expire_at=5, by_server=True)


def test_an_inbox_is_recovered_where_it_keeps_something():
    assert inbox_terms(InboxRules(), b"{}") == Terms(positioned=True, recoverable=True, info=b"{}", by_server=True)
    assert inbox_terms(InboxRules(history_size=0), b"{}") == Terms(info=b"{}", by_server=True)


def test_the_presence_and_the_passages_of_an_inbox_are_the_users_own():
    granted = inbox_terms(InboxRules(presence=True, join_leave=True), b"{}")

    assert (granted.present, granted.told, granted.watches) == (True, True, True)
