"""Namespaces: which rules a channel follows, and what it keeps."""

from __future__ import annotations

import pytest

from trio_gateway.model.errors import UnknownChannel
from trio_gateway.settings.duration import DAY, HOUR
from trio_gateway.settings.namespaces import ChannelRules, InboxRules, Namespaces
from trio_gateway.settings.option import InvalidOption

NEWS = ChannelRules(allow_subscribe_for_client=True)
NAMESPACES = Namespaces(named={"news": NEWS})


def test_a_channel_follows_the_namespace_before_its_colon() -> None:
    assert NAMESPACES.rules_of("news:sport:today") is NEWS


def test_a_channel_without_a_colon_follows_the_rules_without_namespace() -> None:
    assert NAMESPACES.rules_of("news") is NAMESPACES.without_namespace


def test_a_channel_of_an_unknown_namespace_is_refused() -> None:
    with pytest.raises(UnknownChannel, match="sport"):
        NAMESPACES.rules_of("sport:x")


@pytest.mark.parametrize("inbox", ["#7", "#news:x", "#7,8"])
def test_an_inbox_keeps_what_inboxes_keep_whatever_the_users_name(inbox: str) -> None:
    assert NAMESPACES.history_of(inbox) == InboxRules().history


def test_clients_may_do_nothing_in_channels_by_default() -> None:
    rules = ChannelRules()
    assert not rules.allow_subscribe_for_client
    assert not rules.allow_publish_for_client


@pytest.mark.parametrize("rules", [ChannelRules(history_size=0), ChannelRules(history_ttl=0)])
def test_a_size_or_a_time_of_zero_keeps_nothing(rules: ChannelRules) -> None:
    assert rules.history.size == rules.history.ttl == 0


@pytest.mark.parametrize("rules", [ChannelRules, InboxRules])
def test_offsets_are_remembered_for_30_days_by_default(rules: type[ChannelRules | InboxRules]) -> None:
    assert rules().history.meta_ttl == 30 * DAY


@pytest.mark.parametrize("rules", [ChannelRules, InboxRules])
def test_offsets_are_remembered_for_as_long_as_a_namespace_says(rules: type[ChannelRules | InboxRules]) -> None:
    assert rules(history_ttl="1h", history_meta_ttl="2h").history.meta_ttl == 2 * HOUR


@pytest.mark.parametrize("rules", [ChannelRules, InboxRules])
def test_offsets_that_are_forgotten_too_soon_are_refused(rules: type[ChannelRules | InboxRules]) -> None:
    with pytest.raises(
        InvalidOption, match=r"^history_meta_ttl: expected at least twice history_ttl \(40d\), not 30d$"
    ):
        rules(history_ttl="20d")


@pytest.mark.parametrize("nothing", [{"history_size": 0}, {"history_ttl": 0}])
def test_recovery_needs_a_history(nothing: dict[str, int]) -> None:
    with pytest.raises(InvalidOption, match=r"^force_recovery: expected a history .*: history_size and history_ttl"):
        ChannelRules(force_recovery=True, **nothing)


@pytest.mark.parametrize("missing", ["force_recovery", "force_recovery_mode"])
def test_what_is_recovered_always_is_the_latest_publication(missing: str) -> None:
    needed: dict[str, object] = {"force_recovery": True, "force_recovery_mode": "cache", "auto_cache_recover": True}
    assert ChannelRules(**needed).auto_cache_recover
    del needed[missing]
    with pytest.raises(
        InvalidOption, match=r"^auto_cache_recover: expected force_recovery, and force_recovery_mode cache"
    ):
        ChannelRules(**needed)


@pytest.mark.parametrize(
    ("channel", "makes"), [("live:x", True), ("news:x", False), ("x", False), ("#7", False), ("$:control", False)]
)
def test_a_namespace_says_whether_all_its_publications_are_made_deltas(channel: str, *, makes: bool) -> None:
    namespaces = Namespaces(named={"live": ChannelRules(delta_publish=True), "news": NEWS})
    assert namespaces.makes_deltas(channel) is makes


def test_what_keeps_no_history_may_forget_its_offsets_at_once() -> None:
    assert ChannelRules(history_ttl=0, history_meta_ttl="1ms").history.meta_ttl == 0.001


@pytest.mark.parametrize(("option", "wrong"), [("history_size", -1), ("history_ttl", "5x"), ("history_ttl", "4000d")])
def test_a_wrong_rule_is_refused_by_name(option: str, wrong: object) -> None:
    with pytest.raises(InvalidOption, match=f"^{option}: expected"):
        ChannelRules(**{option: wrong})
