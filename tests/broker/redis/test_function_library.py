"""The function library: when it is loaded, and what it must not replace."""

from __future__ import annotations

import json

from trio_gateway.broker.limits import Limits
from trio_gateway.broker.redis.function_library import NOT_LOADED, REVISION, Library, installation_of, source, update_of
from trio_gateway.settings.namespaces import ChannelRules, InboxRules, Namespaces

OURS = installation_of(Namespaces(), Limits())
OTHERS = installation_of(Namespaces(inbox=InboxRules(history_size=5)), Limits())
GUESSED = installation_of(Namespaces(), Limits(), provisional=True)


def test_an_installation_is_written_in_publications_and_milliseconds():
    news = ChannelRules(history_size=7, history_ttl="1m", history_meta_ttl="1h")
    namespaces = Namespaces(named={"news": news})

    written = installation_of(namespaces, Limits(max_devices=3))
    assert written["named"] == {"news": [7, 60_000, 3_600_000]}
    assert written["limits"] == [1_048_576, 255, 3]


def test_the_source_begins_with_what_the_server_asks_for():
    assert source({"tg": OURS}).startswith("#!lua name=tg1\nlocal REVISION = ")


def test_a_namespace_of_any_name_is_written_so_that_lua_can_read_it():
    named = installation_of(Namespaces(named={'a"]]\\nü': ChannelRules()}), Limits())

    line = source({"tg": named}).splitlines()[2]
    assert line.isascii()
    assert json.loads(json.loads(line.removeprefix("local SETTINGS = "))) == {"tg": named}


def test_a_missing_library_is_loaded():
    assert update_of(NOT_LOADED, "tg", OURS) == source({"tg": OURS})


def test_the_same_library_is_not_loaded_again():
    assert update_of(Library(REVISION, {"tg": OURS}), "tg", OURS) is None


def test_an_older_revision_is_replaced():
    assert update_of(Library(REVISION - 1, {"tg": OURS}), "tg", OURS) == source({"tg": OURS})


def test_a_newer_revision_is_never_replaced():
    assert update_of(Library(REVISION + 1, {}), "tg", OURS) is None


def test_other_settings_of_our_prefix_are_replaced():
    assert update_of(Library(REVISION, {"tg": OTHERS}), "tg", OURS) == source({"tg": OURS})


def test_settings_of_other_prefixes_stay():
    assert update_of(Library(REVISION, {"other": OTHERS}), "tg", OURS) == source({"other": OTHERS, "tg": OURS})


def test_real_settings_replace_guessed_ones():
    assert update_of(Library(REVISION, {"tg": GUESSED}), "tg", OURS) == source({"tg": OURS})


def test_guessed_settings_never_replace_real_ones():
    assert update_of(Library(REVISION, {"tg": OTHERS}), "tg", GUESSED) is None
    assert update_of(Library(REVISION - 1, {"tg": OTHERS}), "tg", GUESSED) == source({"tg": OTHERS})


def test_the_answer_of_the_library_function_is_read():
    assert Library.parse([3, json.dumps({"tg": OURS}).encode()]) == Library(3, {"tg": OURS})
