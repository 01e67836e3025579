"""A session decides what each command comes to, without any I/O."""

import pytest

from trio_gateway.model.commands import (
    Acknowledge,
    Call,
    Message,
    Pong,
    Publish,
    Send,
    Subscribe,
    Unsubscribe,
)
from trio_gateway.model.position import Position
from trio_gateway.model.replies import Answered, Error, Unsubscribed
from trio_gateway.model.user import User
from trio_gateway.session.asks import NOTHING, Asks
from trio_gateway.session.client import Client
from trio_gateway.session.effects import Ask, Attach, Detach, MoveCursor, Store
from trio_gateway.session.session import Session
from trio_gateway.session.terms import Terms
from trio_gateway.session.tokens import Verifier
from trio_gateway.settings.namespaces import ChannelRules, InboxRules, Namespaces
from trio_gateway.settings.settings import Settings

GREETED = Position("e", 5)
INFO = b'{"user":"7","client":"c1"}'
TERMS = Terms(info=INFO)
OPEN = ChannelRules(allow_subscribe_for_client=True, allow_publish_for_client=True)


class Inbox:
    """Stand where a client's inbox was delivered up to."""

    position = Position("e", 5)


def make_session(*, user="7", device="phone", greeted=GREETED, asks=NOTHING, inbox=Inbox, **settings):
    settings = Settings(namespaces=settings.pop("namespaces", Namespaces(named={"open": OPEN})), **settings)
    client = Client("c1", User(user), device, "192.0.2.1", "plain")
    session = Session(client, settings, Verifier.of(settings), asks=asks)
    if user:
        session.channels.have_inbox()
        session.begin_inbox(greeted, lambda: inbox.position)
    return session


def code_of(outcome):
    assert isinstance(outcome, Error), outcome
    return outcome.code


def test_a_send_goes_to_the_inbox_of_its_user_as_the_clients_own_user():
    command = Send(1, "8", b"{}", "m1")

    assert make_session().receive(command) == Store(1, "#8", b"{}", "m1", "7", INFO, command)


def test_a_send_is_refused_where_the_settings_forbid_it():
    session = make_session(namespaces=Namespaces(inbox=InboxRules(allow_send_for_client=False)))

    assert session.receive(Send(1, "8", b"{}")).message == "permission denied"


def test_a_send_to_nobody_is_malformed():
    assert code_of(make_session().receive(Send(1, "", b"{}"))) == 107


@pytest.mark.parametrize("channel", ["#8", "#7", "news", "open2:x", "$:node:1"])
def test_a_publish_is_refused_outside_the_namespaces_that_allow_it(channel):
    assert code_of(make_session().receive(Publish(1, channel, b"{}"))) in (102, 103)


def test_a_publish_is_stored_where_the_namespace_allows_it():
    command = Publish(1, "open:x", b"{}")

    assert make_session().receive(command) == Store(1, "open:x", b"{}", "", "7", INFO, command)


@pytest.mark.parametrize("channel", ["#8", "news", "$:node:1"])
def test_what_is_not_open_to_clients_cant_be_subscribed(channel):
    assert code_of(make_session().receive(Subscribe(1, channel))) == 103


def test_an_unknown_namespace_is_an_unknown_channel():
    assert code_of(make_session().receive(Subscribe(1, "nowhere:x"))) == 102


def test_a_channel_name_past_the_limit_is_malformed():
    assert code_of(make_session(max_channel_length=8).receive(Subscribe(1, "open:xxxx"))) == 107


def test_a_channel_is_subscribed_once():
    session = make_session()

    assert session.receive(Subscribe(1, "open:x", Position("e", 2))) == Attach(1, "open:x", TERMS, Position("e", 2))
    assert code_of(session.receive(Subscribe(2, "open:x"))) == 105
    assert code_of(session.receive(Subscribe(2, "#7"))) == 105


def test_a_subscription_that_could_not_be_made_may_be_asked_again():
    session = make_session()
    session.receive(Subscribe(1, "open:x"))
    session.channels.forget("open:x")

    assert isinstance(session.receive(Subscribe(2, "open:x")), Attach)


def test_one_connection_has_a_bounded_number_of_channels():
    session = make_session(max_channels=2)
    session.receive(Subscribe(1, "open:1"))
    session.receive(Subscribe(1, "open:2"))

    assert code_of(session.receive(Subscribe(1, "open:3"))) == 106
    session.receive(Unsubscribe(1, "open:1"))
    assert isinstance(session.receive(Subscribe(1, "open:3")), Attach)


def test_unsubscribing_what_is_not_subscribed_succeeds():
    session = make_session()
    session.receive(Subscribe(1, "open:x"))

    assert session.receive(Unsubscribe(2, "open:x")) == Detach(2, "open:x")
    assert session.receive(Unsubscribe(3, "open:x")) == Unsubscribed(3)


def test_the_own_inbox_stays():
    assert code_of(make_session().receive(Unsubscribe(1, "#7"))) == 103


def test_a_message_goes_to_the_application_where_there_is_one():
    command = Message(1, b"{}")

    assert code_of(make_session().receive(command)) == 104
    assert make_session(asks=Asks(messages=True, calls=True)).receive(command) == Ask(1, command)


def test_a_pong_is_noted():
    session = make_session()

    assert session.receive(Pong()) is None
    assert session.ponged


class TestAcknowledge:
    def test_up_to_what_was_delivered_moves_the_cursor(self):
        assert make_session().receive(Acknowledge(None, 5)) == MoveCursor(Position("e", 5))

    def test_beyond_what_was_delivered_is_refused(self):
        assert code_of(make_session().receive(Acknowledge(None, 6))) == 107

    def test_up_to_the_position_in_hello_is_allowed_before_anything_was_delivered(self):
        class Nothing:
            position = Position("", 0)

        session = make_session(inbox=Nothing, greeted=Position("e", 3))

        assert session.receive(Acknowledge(None, 3)) == MoveCursor(Position("e", 3))
        assert code_of(session.receive(Acknowledge(None, 4))) == 107

    def test_without_a_device_it_is_refused(self):
        assert code_of(make_session(device="").receive(Acknowledge(None, 5))) == 107

    @pytest.mark.parametrize("offset", [0, 5])
    def test_a_device_of_nobody_has_no_inbox_to_acknowledge_in(self, offset):
        assert code_of(make_session(user="").receive(Acknowledge(None, offset))) == 107
        assert code_of(make_session(user="").receive(Call(1, "ack", b'{"offset":%d}' % offset))) == 108

    def test_after_the_epoch_changed_it_must_name_the_epoch(self):
        class Anew:
            position = Position("new", 2)

        session = make_session(inbox=Anew)

        assert code_of(session.receive(Acknowledge(None, 1))) == 107
        assert session.receive(Acknowledge(None, 2, "new")) == MoveCursor(Position("new", 2))
        assert code_of(session.receive(Acknowledge(None, 5, "new"))) == 107

    def test_one_of_an_old_epoch_that_crosses_the_change_is_void(self):
        class Anew:
            position = Position("new", 2)

        assert make_session(inbox=Anew).receive(Acknowledge(None, 1, "e")) is None


class TestAcknowledgeByCall:
    """Clients whose protocol has no frame for it call the method `ack`."""

    @pytest.mark.parametrize("data", [b'{"offset":4}', b'{"offset":4,"epoch":"e"}', b'{"offset":4,"epoch":"","a":1}'])
    def test_it_moves_the_cursor_and_is_answered(self, data):
        assert make_session().receive(Call(1, "ack", data)) == MoveCursor(Position("e", 4), 1)

    def test_one_of_an_old_epoch_is_void_and_answered(self):
        assert make_session().receive(Call(1, "ack", b'{"offset":4,"epoch":"old"}')) == Answered(1, b"{}")

    @pytest.mark.parametrize(
        "data",
        [b"null", b"4", b"{}", b'{"offset":"4"}', b'{"offset":4,"epoch":5}', b'{"offset":6}', b'{"offset":-1}'],
    )
    def test_a_wrong_one_is_malformed(self, data):
        assert code_of(make_session().receive(Call(1, "ack", data))) == 107

    def test_it_goes_to_the_gateway_before_the_application(self):
        session = make_session(asks=Asks(messages=True, calls=True))

        assert isinstance(session.receive(Call(1, "ack", b'{"offset":4}')), MoveCursor)

    def test_without_a_device_it_is_a_call_like_any_other(self):
        call = Call(1, "ack", b'{"offset":4}')

        assert code_of(make_session(device="").receive(call)) == 108
        assert make_session(device="", asks=Asks(messages=True, calls=True)).receive(call) == Ask(1, call)


def test_a_call_goes_to_the_application_where_there_is_one():
    call = Call(1, "sum", b"[1]")

    assert code_of(make_session().receive(call)) == 108
    assert make_session(asks=Asks(messages=True, calls=True)).receive(call) == Ask(1, call)


@pytest.mark.parametrize(
    ("data_format", "data", "stored"),
    [
        ("json_object", b"{}", True),
        ("json_object", b" \n{}", True),
        ("json_object", b"[1]", False),
        ("json_object", b"null", False),
        ("json", b"null", True),
        ("", b"1", True),
    ],
)
def test_a_namespace_may_take_objects_alone(data_format, data, stored):
    rules = ChannelRules(allow_publish_for_client=True, publication_data_format=data_format)
    outcome = make_session(namespaces=Namespaces(without_namespace=rules)).receive(Publish(1, "a", data))

    assert isinstance(outcome, Store) if stored else code_of(outcome) == 107
