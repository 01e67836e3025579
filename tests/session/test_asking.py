"""Who is in a channel and what was published there is told where the namespace has it, and to whom may ask.

What is switched off is not available, also to who might not ask; the name is judged before both.
"""

from __future__ import annotations

import pytest
from session.strict_session import code_of, make_session, settings_of

from trio_gateway.model.commands import (
    AskHistory,
    AskPresence,
    AskPresenceStatistics,
    Publish,
    Subscribe,
    Unsubscribe,
)
from trio_gateway.model.position import Position
from trio_gateway.model.replies import Error
from trio_gateway.session.effects import ReadHistory, ReadPresence
from trio_gateway.settings.namespaces import ChannelRules, InboxRules, Namespaces

QUESTIONS = (AskPresence(1, "n:a"), AskPresenceStatistics(1, "n:a"), AskHistory(1, "n:a", 5))


def ask(question, **rules):
    return make_session(settings_of(named={"n": ChannelRules(**rules)})).receive(question)


@pytest.mark.parametrize("question", QUESTIONS)
def test_where_it_is_off_it_is_not_available(question):
    allowed = {"allow_presence_for_client": True, "allow_history_for_client": True}

    assert code_of(ask(question, history_size=0)) == 108
    assert code_of(ask(question, history_size=0, **allowed)) == 108


@pytest.mark.parametrize("question", QUESTIONS)
def test_where_it_is_on_it_must_be_allowed(question):
    assert code_of(ask(question, presence=True)) == 103


@pytest.mark.parametrize(("channel", "code"), [("nowhere:a", 102), ("a\nb", 107), ("#8", 103), ("$:node:1", 103)])
def test_the_name_is_judged_first(channel, code):
    session = make_session(settings_of(insecure=True))

    for question in (AskPresence(1, channel), AskPresenceStatistics(1, channel), AskHistory(1, channel)):
        assert code_of(session.receive(question)) == code


def test_presence_is_read_where_it_is_allowed():
    rules = {"presence": True, "allow_presence_for_client": True}

    assert ask(AskPresence(1, "n:a"), **rules) == ReadPresence(1, "n:a")
    assert ask(AskPresenceStatistics(1, "n:a"), **rules) == ReadPresence(1, "n:a", counted=True)


@pytest.mark.parametrize(("limit", "read"), [(0, 0), (5, 5), (300, 300), (301, 300), (-1, 300), (-9, 300)])
def test_history_is_read_up_to_the_limit_of_the_settings(limit, read):
    since = Position("e", 3)
    asked = AskHistory(1, "n:a", limit, since, reverse=True)

    assert ask(asked, allow_history_for_client=True) == ReadHistory(1, "n:a", read, since, reverse=True)


def test_who_must_be_subscribed_may_ask_then():
    rules = ChannelRules(
        allow_subscribe_for_client=True,
        presence=True,
        allow_presence_for_subscriber=True,
        allow_history_for_subscriber=True,
        allow_publish_for_subscriber=True,
    )
    session = make_session(settings_of(named={"n": rules}))
    questions = (*QUESTIONS, Publish(1, "n:a", b"1"))
    assert [code_of(session.receive(question)) for question in questions] == [103] * 4

    session.receive(Subscribe(1, "n:a"))
    assert not any(isinstance(session.receive(question), Error) for question in questions)
    session.receive(Unsubscribe(1, "n:a"))
    assert [code_of(session.receive(question)) for question in questions] == [103] * 4


def test_the_own_inbox_may_be_read_and_its_presence_where_it_has_one():
    open_inbox = Namespaces(inbox=InboxRules(presence=True))

    assert make_session().receive(AskHistory(1, "#7", 2)) == ReadHistory(1, "#7", 2, None, reverse=False)
    assert code_of(make_session().receive(AskPresence(1, "#7"))) == 108
    assert make_session(settings_of(namespaces=open_inbox)).receive(AskPresence(1, "#7")) == ReadPresence(1, "#7")


@pytest.mark.parametrize("question", [AskPresence(1, "#"), AskPresenceStatistics(1, "#"), AskHistory(1, "#", 2)])
def test_nobody_has_no_inbox_to_ask_about(question):
    session = make_session(settings_of(namespaces=Namespaces(inbox=InboxRules(presence=True))), user="")

    assert code_of(session.receive(question)) == 103
