"""A session of the Centrifugo protocol, as one client that a token let in has it, with a clock that only the test moves."""

from __future__ import annotations

import pytest
from session.signing import SECRET, signed

from trio_gateway.model.errors import Disconnected
from trio_gateway.model.replies import Error
from trio_gateway.model.user import ANONYMOUS, User
from trio_gateway.session.asks import Asks
from trio_gateway.session.client import Client
from trio_gateway.session.connecting import Admission
from trio_gateway.session.session import Session
from trio_gateway.session.tokens import Verifier
from trio_gateway.settings.namespaces import ChannelRules, Namespaces
from trio_gateway.settings.settings import Settings

NOW = 1_700_000_000.0
GRACE = 25


class Clock:
    """Tell Unix seconds."""

    now = NOW

    def __call__(self):
        return self.now


def settings_of(*, named=None, without=None, **options):
    """Make settings with some namespaces."""
    namespaces = Namespaces(without_namespace=without or ChannelRules(), named=named or {})
    return Settings(**{"token_secret": SECRET, "token_grace_seconds": GRACE, "namespaces": namespaces, **options})


def make_session(
    settings=None, *, user="7", device="", clock=None, expire_at=0, channels=(), strict=True, answers=False
):
    """Make the session of a client whose inbox, where it has one, is held already."""
    settings, clock = settings or settings_of(), clock or Clock()
    named = User(user) if user else ANONYMOUS
    session = Session(
        Client("c1", named, device, "192.0.2.1", "centrifugo", b'{"name":"Ada"}'),
        settings,
        Verifier.of(settings, clock=clock),
        admission=Admission(user=named, expire_at=expire_at, channels=dict.fromkeys(channels)),
        asks=Asks(messages=answers, calls=answers),
        strict=strict,
        clock=clock,
    )
    if user:
        session.channels.have_inbox()
    return session


def subscription_token(channel="$a", *, user="7", ttl=None, **claims):
    """Sign a subscription token; `ttl` is seconds from NOW."""
    times = {} if ttl is None else {"exp": NOW + ttl}
    return signed({"sub": user, "channel": channel, **times, **claims})


def code_of(outcome):
    """Give the code of an error."""
    assert isinstance(outcome, Error), outcome
    return outcome.code


def ended_by(act, *args):
    """Give the code of the close that an act comes to."""
    with pytest.raises(Disconnected) as ended:
        act(*args)
    return ended.value.disconnect.code
