"""Whatever a client asks, in whatever order, a session agrees with a simple model of what the client has and may do."""

from __future__ import annotations

import math

from hypothesis import settings as profile
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from session.signing import OTHER_SECRET, signed
from session.strict_session import GRACE, NOW, Clock, make_session, settings_of

from trio_gateway.model.commands import (
    AskHistory,
    AskPresence,
    Connect,
    Message,
    Pong,
    Publish,
    Refresh,
    RefreshSubscription,
    Subscribe,
    Unsubscribe,
)
from trio_gateway.model.errors import Disconnected
from trio_gateway.model.replies import Error, Refreshed, SubscriptionRefreshed, Unsubscribed
from trio_gateway.session.claims import ServerSubscription
from trio_gateway.session.effects import Attach, Detach, ReadHistory, ReadPresence, Store
from trio_gateway.settings.namespaces import ChannelRules

LEEWAY = 5
CHANNELS = ["a", "b", "n:a", "n:b", "u#7", "$a", "$n:a", "#7", "#8", "#", "nowhere:a", "ü"]
MISNAMED = {"#7": 103, "#8": 103, "#": 103, "nowhere:a": 102, "ü": 107}
channels = st.sampled_from(CHANNELS)
actions = ("subscribe", "publish", "history", "presence")
flags = st.booleans()
rules = st.fixed_dictionaries(
    {
        "allow_user_limited_channels": flags,
        "presence": flags,
        "history_size": st.sampled_from([0, 10]),
        **{f"allow_{action}_for_{whom}": flags for action in actions for whom in ("client", "anonymous")},
        **{f"allow_{action}_for_subscriber": flags for action in actions[1:]},
    }
)
expiries = st.none() | st.integers(-100, 100)
"""Seconds from now."""

faults = st.sampled_from([None, None, None, None, "signature", "user", "channel"])


class Conversation(RuleBasedStateMachine):
    """Talk to one session. A close is none here: it must have changed nothing, so the talk can go on."""

    @initialize(
        without=rules,
        named=rules,
        user=st.sampled_from(["7", "7", ""]),
        insecure=st.sampled_from([False, False, True]),
        most=st.integers(1, 3),
        expiry=expiries,
    )
    def connect(self, without, named, user, insecure, most, expiry):
        self.rules = {"n": named, None: without}
        self.user, self.insecure, self.most = user, insecure, most
        self.clock = Clock()
        self.expire_at = 0 if insecure or expiry is None else NOW + expiry
        self.held = {"#7": 0} if user else {}
        self.pings = 0
        settings = settings_of(
            without=ChannelRules(**without), named={"n": ChannelRules(**named)}, insecure=insecure, max_channels=most
        )
        self.session = make_session(
            settings, user=user, clock=self.clock, expire_at=0 if expiry is None else NOW + expiry
        )

    # -- The model

    def may(self, action, channel):
        rules = self.rules["n" if "n:" in channel else None]
        if action == "subscribe" and channel.startswith("$"):
            return False
        if action == "subscribe" and "#" in channel and rules["allow_user_limited_channels"]:
            return self.user == "7" or self.insecure
        allowed = rules[f"allow_{action}_for_client"]
        if action != "subscribe":
            allowed |= rules[f"allow_{action}_for_subscriber"] and channel in self.held
        return (allowed and (self.user or rules[f"allow_{action}_for_anonymous"])) or self.insecure

    def has_passed(self, expire_at):
        return not self.insecure and expire_at is not None and expire_at <= self.clock.now - LEEWAY

    def token(self, fault, expiry, channel=None, **claims):
        """Sign a token with a fault; answers when it expires, too."""
        expire_at = None if expiry is None else self.clock.now + expiry
        claims |= {"sub": "someone else" if fault == "user" else self.user}
        claims |= {} if channel is None else {"channel": "other" if fault == "channel" else channel}
        claims |= {} if expire_at is None else {"exp": expire_at}
        return signed(claims, **({"key": OTHER_SECRET} if fault == "signature" else {})), expire_at

    def kept(self, expire_at):
        return 0 if self.insecure or expire_at is None else expire_at

    def receive(self, command):
        """Give what a command comes to, or the code of the error or the close."""
        try:
            outcome = self.session.receive(command)
        except Disconnected as ended:
            return ended.disconnect.code
        return outcome.code if isinstance(outcome, Error) else outcome

    def full(self):
        return len(self.held.keys() - {"#7"}) >= self.most

    # -- What happens

    def refused_by_name(self, channel):
        if channel in self.held:
            return 105
        return MISNAMED.get(channel) or (106 if self.full() else None)

    @rule(channel=channels)
    def subscribe(self, channel):
        refused = self.refused_by_name(channel) or (None if self.may("subscribe", channel) else 103)
        outcome = self.receive(Subscribe(1, channel))

        if refused:
            assert outcome == refused
        else:
            assert isinstance(outcome, Attach)
            self.held[channel] = 0

    @rule(channel=channels, fault=faults, expiry=expiries)
    def subscribe_with_a_token(self, channel, fault, expiry):
        token, expire_at = self.token(fault, expiry, channel)
        refused = self.refused_by_name(channel) or self.refused_by_token(fault, expire_at, wrong_signature=103)
        outcome = self.receive(Subscribe(1, channel, token=token))

        if refused:
            assert outcome == refused
        else:
            assert isinstance(outcome, Attach)
            self.held[channel] = self.kept(expire_at)

    def refused_by_token(self, fault, expire_at, *, wrong_signature):
        if fault == "signature":
            return wrong_signature
        if self.has_passed(expire_at):
            return 109
        return 3500 if fault else None

    @rule(channel=channels)
    def unsubscribe(self, channel):
        outcome = self.receive(Unsubscribe(1, channel))

        if channel == "#7" and self.user:
            assert outcome == 103
        else:
            assert outcome == (Detach(1, channel) if channel in self.held else Unsubscribed(1))
            self.held.pop(channel, None)

    @rule(channel=channels, expiry=expiries)
    def be_subscribed_by_the_server(self, channel, expiry):
        if channel in self.held or channel in MISNAMED or self.full():
            return  # the gateway asks first
        expire_at = 0 if expiry is None else self.clock.now + expiry
        self.session.channels.have(channel, ServerSubscription(expire_at=expire_at))
        self.held[channel] = expire_at

    @rule(channel=st.sampled_from([name for name in CHANNELS if name != "#7"]))
    def fail_to_subscribe_or_end(self, channel):
        self.session.channels.forget(channel)
        self.held.pop(channel, None)

    @rule(channel=channels)
    def publish(self, channel):
        refused = MISNAMED.get(channel) or (None if self.may("publish", channel) else 103)
        outcome = self.receive(Publish(1, channel, b"1"))

        assert outcome == refused if refused else isinstance(outcome, Store)

    @rule(channel=channels, action=st.sampled_from(["history", "presence"]))
    def ask(self, channel, action):
        command = AskHistory(1, channel) if action == "history" else AskPresence(1, channel)
        outcome = self.receive(command)

        if channel == "#7" and self.user:
            refused = 108 if action == "presence" else None
        elif channel in MISNAMED:
            refused = MISNAMED[channel]
        else:
            own = self.rules["n" if "n:" in channel else None]
            available = own["history_size" if action == "history" else "presence"]
            refused = 108 if not available else None if self.may(action, channel) else 103
        assert outcome == refused if refused else isinstance(outcome, (ReadHistory, ReadPresence))

    @rule(fault=faults.filter(lambda fault: fault != "channel"), expiry=expiries, more=st.sampled_from([[], [], ["a"]]))
    def refresh(self, fault, expiry, more):
        token, expire_at = self.token(fault, expiry, channels=more)
        outcome = self.receive(Refresh(1, token))

        if fault == "signature":
            assert outcome == 3500
        elif self.has_passed(expire_at):
            assert outcome == 3005
        elif fault or more:
            assert outcome == (3500 if fault else 3010)
        else:
            assert isinstance(outcome, Refreshed)
            self.expire_at = self.kept(expire_at)

    @rule(channel=channels, fault=faults, expiry=expiries)
    def refresh_a_subscription(self, channel, fault, expiry):
        token, expire_at = self.token(fault, expiry, channel)
        outcome = self.receive(RefreshSubscription(1, channel, token))

        refused = 103 if channel not in self.held else self.refused_by_token(fault, expire_at, wrong_signature=3500)
        if refused:
            assert outcome == refused
        else:
            assert isinstance(outcome, SubscriptionRefreshed)
            self.held[channel] = self.kept(expire_at)

    @rule(command=st.sampled_from([(Connect(1), 3501), (Message(None, b"1"), 3508)]))
    def do_what_ends_the_connection(self, command):
        assert self.receive(command[0]) == command[1]

    @rule()
    def be_pinged(self):
        self.session.note_ping()
        self.pings += 1

    @rule()
    def answer_a_ping(self):
        assert self.receive(Pong()) == (None if self.pings else 3501)
        self.pings = max(0, self.pings - 1)

    @rule(seconds=st.integers(1, 60))
    def wait(self, seconds):
        self.clock.now += seconds

    @precondition(lambda self: not math.isinf(self.session.due))
    @rule()
    def wait_until_something_is_due(self):
        self.clock.now = max(self.clock.now, self.session.due)
        assert self.session.expired or list(self.session.channels.expired())

    # -- What always holds

    @invariant()
    def a_client_has_what_it_was_given_and_no_more_than_it_may(self):
        held = self.session.channels.held

        assert {channel: one.expire_at for channel, one in held.items()} == self.held
        assert len(held.keys() - {"#7"}) <= self.most
        assert self.session.channels.full is self.full()

    @invariant()
    def nothing_ends_unnoticed_or_too_early(self):
        over = {channel for channel, end in self.held.items() if end and end + GRACE <= self.clock.now}

        assert {channel for channel, _held in self.session.channels.expired()} == over
        assert self.session.expired is bool(self.expire_at and self.expire_at + GRACE <= self.clock.now)
        assert (self.session.due <= self.clock.now) is bool(over or self.session.expired)


Conversation.TestCase.settings = profile(max_examples=60, stateful_step_count=40)
TestConversation = Conversation.TestCase
