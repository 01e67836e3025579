"""What a client may do follows the protocol's order of permissions; anonymous clients and insecure servers are in it."""

from __future__ import annotations

from itertools import product

import pytest

from trio_gateway.session.permissions import Asker, asks_to_subscribe, may_publish, may_read, may_see, may_subscribe
from trio_gateway.settings.namespaces import ChannelRules

NOTHING = ChannelRules()
OPEN = ChannelRules(allow_subscribe_for_client=True)
FOR_ALL = ChannelRules(allow_subscribe_for_client=True, allow_subscribe_for_anonymous=True)
FOR_ANONYMOUS_ALONE = ChannelRules(allow_subscribe_for_anonymous=True)
LIMITED = ChannelRules(allow_user_limited_channels=True)
LIMITED_AND_OPEN = ChannelRules(
    allow_user_limited_channels=True, allow_subscribe_for_client=True, allow_subscribe_for_anonymous=True
)


@pytest.mark.parametrize(
    ("channel", "rules", "user", "allowed"),
    [
        ("news", NOTHING, "7", False),
        ("news", OPEN, "7", True),
        ("news", OPEN, "", False),
        ("news", FOR_ALL, "", True),
        ("news", FOR_ANONYMOUS_ALONE, "", False),
        ("news", FOR_ANONYMOUS_ALONE, "7", False),
        # private
        ("$news", FOR_ALL, "7", False),
        ("$chat#7", LIMITED_AND_OPEN, "7", False),
        # limited to users
        ("chat#7", LIMITED, "7", True),
        ("chat#7,8", LIMITED, "8", True),
        ("chat#7,8", LIMITED, "9", False),
        ("chat#77", LIMITED, "7", False),
        ("a#7#8", LIMITED, "8", True),
        ("a#7#8", LIMITED, "7", False),
        ("chat#", LIMITED_AND_OPEN, "7", False),
        ("chat#7,", LIMITED_AND_OPEN, "", False),
        ("chat#9", LIMITED_AND_OPEN, "7", False),
        ("chat#9", LIMITED_AND_OPEN, "", False),
        ("chat#7", NOTHING, "7", False),
        ("chat#9", OPEN, "7", True),
        ("chat", LIMITED, "7", False),
    ],
)
def test_a_subscribe_without_a_token(channel, rules, user, allowed):
    assert may_subscribe(channel, rules, Asker(user, subscribed=False, insecure=False)) is allowed


@pytest.mark.parametrize(
    ("channel", "rules", "allowed"),
    [
        ("news", NOTHING, True),
        ("chat#9", LIMITED, True),
        ("chat#7", LIMITED, True),
        ("$news", FOR_ALL, False),
        ("$chat#7", LIMITED_AND_OPEN, False),
    ],
)
@pytest.mark.parametrize("user", ["", "7"])
def test_on_an_insecure_server_everybody_may_subscribe_to_all_but_private_channels(channel, rules, user, allowed):
    assert may_subscribe(channel, rules, Asker(user, subscribed=False, insecure=True)) is allowed


QUESTIONS = {"publish": may_publish, "history": may_read, "presence": may_see}
COMBINATIONS = list(product([False, True], repeat=6))


@pytest.mark.parametrize("action", QUESTIONS)
@pytest.mark.parametrize("combination", COMBINATIONS)
def test_publishing_history_and_presence_have_one_order(action, combination):
    for_client, for_subscriber, for_anonymous, named, subscribed, insecure = combination
    rules = ChannelRules(
        **{
            f"allow_{action}_for_client": for_client,
            f"allow_{action}_for_subscriber": for_subscriber,
            f"allow_{action}_for_anonymous": for_anonymous,
        }
    )
    asker = Asker("7" if named else "", subscribed, insecure)

    if (for_client and (named or for_anonymous)) or (for_subscriber and subscribed and (named or for_anonymous)):
        expected = True
    else:
        expected = insecure
    assert QUESTIONS[action](rules, asker) is expected


@pytest.mark.parametrize("action", QUESTIONS)
def test_no_permission_is_lent_by_another_one(action):
    others = [other for other in ("subscribe", *QUESTIONS) if other != action]
    rules = ChannelRules(**{f"allow_{other}_for_{whom}": True for other in others for whom in ("client", "anonymous")})

    assert not QUESTIONS[action](rules, Asker("7", subscribed=True, insecure=False))


DECIDED = ChannelRules(subscribe_proxy_enabled=True, allow_subscribe_for_client=True, allow_user_limited_channels=True)


@pytest.mark.parametrize(("channel", "asks"), [("a", True), ("$a", False), ("a#7", False)])
def test_the_application_decides_where_the_name_of_a_channel_does_not(channel, asks):
    assert asks_to_subscribe(channel, DECIDED) is asks
    assert not asks_to_subscribe(channel, ChannelRules())


@pytest.mark.parametrize("insecure", [True, False])
def test_where_the_application_decides_nothing_else_permits(insecure):
    assert not may_subscribe("a", DECIDED, Asker("7", subscribed=False, insecure=insecure))
