"""The rules of channels in a file of Centrifugo, with its defaults and its names."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_gateway.model.errors import ConfigurationError
from trio_gateway.settings.centrifugo.channels import read_channels
from trio_gateway.settings.centrifugo.refused import REFUSED_IN_NAMESPACES, SILENT_IN_NAMESPACES
from trio_gateway.settings.centrifugo.taken import IN_NAMESPACES
from trio_gateway.settings.duration import DAY
from trio_gateway.settings.namespaces import ChannelRules

WITHOUT = "channel.without_namespace"
HISTORY = {"history_size": 10, "history_ttl": "300s"}


def rules(**options: Any) -> ChannelRules:
    return read_channels({WITHOUT: options}).namespaces.without_namespace


def test_without_a_word_a_channel_keeps_nothing_and_allows_nothing() -> None:
    assert rules() == ChannelRules(history_size=0, history_ttl=0)


def test_clients_may_not_send_to_inboxes_which_centrifugo_does_not_know() -> None:
    assert not read_channels({}).namespaces.inbox.allow_send_for_client


def test_each_namespace_has_its_rules_under_its_name() -> None:
    entries = [{"name": "news", **HISTORY, "force_recovery": True}, {"NAME": "chat", "Presence": True}]
    named = read_channels({"channel.namespaces": entries}).namespaces.named
    assert (named["news"].history_size, named["news"].history_ttl, named["news"].force_recovery) == (10, 300, True)
    assert named["chat"].presence


@pytest.mark.parametrize(
    "name", [name for name in IN_NAMESPACES if name.startswith(("allow_", "force_pu", "pres", "join", "delta"))]
)
def test_a_switch_means_the_same_here(name: str) -> None:
    assert getattr(rules(**{name: True}), name)


@pytest.mark.parametrize(
    "options",
    [
        {"delta_publish": True},
        {"allowed_delta_types": ["fossil"]},
        {"allow_recovery": True},
        {"force_positioning": True},
    ],
)
def test_what_has_no_effect_without_a_history_is_taken_as_centrifugo_takes_it(options: dict[str, Any]) -> None:
    assert rules(**options)


def test_what_goes_for_all_channels_goes_where_a_namespace_says_nothing_else() -> None:
    everywhere = {"channel.history_meta_ttl": "2400h", "channel.publication_data_format": "json"}
    there = {"name": "news", "history_meta_ttl": "48h", "publication_data_format": "json_object"}
    namespaces = read_channels({**everywhere, "channel.namespaces": [there]}).namespaces
    assert namespaces.without_namespace.publication_data_format == "json"
    assert namespaces.named["news"].publication_data_format == "json_object"
    assert (namespaces.without_namespace.history_meta_ttl, namespaces.named["news"].history_meta_ttl) == (
        100 * DAY,
        2 * DAY,
    )


def test_offsets_are_remembered_as_long_as_they_must_be_here() -> None:
    assert rules(history_size=1, history_ttl="600h").history_meta_ttl == 50 * DAY


@pytest.mark.parametrize("only", [{"history_size": 1}, {"history_ttl": "5m"}, {"history_size": 1, "history_ttl": "0s"}])
def test_half_a_history_is_refused(only: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="expected both history_size and history_ttl, or neither"):
        rules(**only)


def test_recovery_without_a_history_is_refused() -> None:
    with pytest.raises(
        ConfigurationError, match=rf"^{WITHOUT}.force_recovery: expected .*history_size and history_ttl"
    ):
        rules(force_recovery=True)


@pytest.mark.parametrize("refused", REFUSED_IN_NAMESPACES, ids=lambda refused: refused.name)
def test_what_would_show_something_stops_the_start(refused: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"^channel.namespaces\[news\].{refused.name}: "):
        read_channels({"channel.namespaces": [{"name": "news", refused.name: "map"}]})


def test_what_has_no_counterpart_is_told_with_its_namespace() -> None:
    news = {"name": "news", "map": {"mode": "ephemeral"}, "shared_poll": {}, "publication_data_format": "binary"}
    assert read_channels({"channel.namespaces": [news], WITHOUT: {"allow_map_for_client": True}}).ignored == (
        f"{WITHOUT}.allow_map_for_client",
        "channel.namespaces[news].map",
        "channel.namespaces[news].publication_data_format",
    )


def test_deltas_filters_and_cache_recovery_are_taken() -> None:
    given = {
        "allowed_delta_types": ["fossil"],
        "delta_publish": True,
        "allow_tags_filter": True,
        "history_size": 1,
        "history_ttl": "1h",
        "force_recovery": True,
        "force_recovery_mode": "cache",
        "auto_cache_recover": True,
    }
    taken = rules(**given)
    assert taken.allowed_delta_types == ("fossil",)
    assert taken.delta_publish
    assert taken.allow_tags_filter
    assert taken.auto_cache_recover
    assert taken.force_recovery_mode == "cache"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"allowed_delta_types": ["xdelta"]}, "allowed_delta_types: expected names of delta types"),
        ({"force_recovery_mode": "all"}, "force_recovery_mode: expected stream or cache"),
        ({"auto_cache_recover": True}, "auto_cache_recover: expected force_recovery"),
    ],
)
def test_what_they_can_not_be_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{WITHOUT}.{words}"):
        rules(**options)


def test_what_centrifugo_does_anyway_needs_no_word() -> None:
    said = {name: value for name, values in SILENT_IN_NAMESPACES.items() for value in values}
    assert read_channels({WITHOUT: said}).ignored == ()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({WITHOUT: 5}, rf"^{WITHOUT}: expected an object"),
        ({"channel.namespaces": {"a": 1}}, "^channel.namespaces: expected a list of objects"),
        ({"channel.namespaces": [5]}, "^channel.namespaces: expected an object"),
        ({"channel.namespaces": [{}]}, "^channel.namespaces.name: expected 1 to 64"),
        ({"channel.namespaces": [{"name": "a:b"}]}, "^channel.namespaces.name: expected .*, not 'a:b'"),
        ({"channel.namespaces": [{"name": "aa"}, {"name": "aa"}]}, "aa is there twice"),
        ({WITHOUT: {"history_ttl": 300}}, rf"^{WITHOUT}.history_ttl: expected a duration in quotes"),
        ({WITHOUT: {"channel_regex": "[[:alpha:]]"}}, rf"^{WITHOUT}.channel_regex: expected a regular expression"),
        ({WITHOUT: {"presence": "so"}}, rf"^{WITHOUT}.presence: expected true or false"),
        ({"channel.history_meta_ttl": 5}, rf"^{WITHOUT}.history_meta_ttl: expected a duration"),
    ],
)
def test_what_is_wrong_is_named_with_where_it_is(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        read_channels(options)


@pytest.mark.parametrize(
    ("regex", "name", "fits"),
    [
        ("^[a-z]+$", "abc", True),
        ("^[a-z]+$", "abc1", False),
        ("[a-z]+", "12a3", True),
        ("^a|b$", "ax", True),
        ("^a|b$", "xa", False),
        ("(?i)^room$", "ROOM", True),
        (r"^\d+$", "٣", False),
    ],
)
def test_a_regular_expression_finds_what_it_finds_there(regex: str, name: str, fits: bool) -> None:
    """Centrifugo looks for it anywhere in a name, we match a name as a whole."""
    assert bool(re.fullmatch(rules(channel_regex=regex).channel_regex, name)) is fits


ANYTHING = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.lists(st.integers(), max_size=2)
)


@given(
    st.dictionaries(st.sampled_from(IN_NAMESPACES) | st.text(max_size=8), ANYTHING | st.sampled_from(["5m", "stream"]))
)
def test_any_namespace_is_rules_or_an_error(options: dict[str, Any]) -> None:
    told = "nothing"
    try:
        rules(**{"name": "news", **options})
    except ConfigurationError as error:
        told = str(error)
    assert told == "nothing" or told.startswith(WITHOUT)
