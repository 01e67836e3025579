"""The TOML tables of channels and inboxes: what they become, and that anything unknown is refused."""

from __future__ import annotations

import tomllib

import pytest

from trio_gateway.model.errors import ConfigurationError
from trio_gateway.settings.namespaces import Namespaces
from trio_gateway.settings.tables import read_namespaces


def read(text: str) -> Namespaces:
    return read_namespaces(tomllib.loads(text))


def test_without_tables_the_defaults_hold() -> None:
    assert read("port = 1") == Namespaces()


def test_the_inbox_table_rules_the_inboxes() -> None:
    inbox = read('[inbox]\nhistory_size = 5\nhistory_ttl = "1h"\nallow_send_for_client = false').inbox
    assert (inbox.history_size, inbox.history_ttl, inbox.allow_send_for_client) == (5, 3600, False)


def test_channels_without_namespace_have_a_table() -> None:
    assert read(
        "[channel.without_namespace]\nallow_publish_for_client = true"
    ).without_namespace.allow_publish_for_client


def test_each_namespace_has_its_table() -> None:
    named = read('[[channel.namespaces]]\nname = "a"\nhistory_size = 1\n[[channel.namespaces]]\nname = "b"').named
    assert (named["a"].history_size, named["b"].history_size) == (1, 100)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[inbox]\nhistroy_size = 5", r"\[inbox\]: unknown key histroy_size; did you mean history_size\?"),
        ("[inbox]\nhistory_size = 'x'", r"\[inbox\] history_size: expected a whole number"),
        ("inbox = 5", r"\[inbox\]: expected a table"),
        ("channel = 5", r"\[channel\]: expected a table"),
        ("[channel.without_namspace]", r"\[channel\]: unknown key without_namspace; did you mean without_namespace\?"),
        ("[inbox]\nhistory_ttl = '20d'", r"\[inbox\] history_meta_ttl: expected at least twice history_ttl"),
        ("[channel.without_namespace]\nhistory_ttl = -1", r"\[channel.without_namespace\] history_ttl: expected"),
        ("[channel]\nnamespaces = 5", r"\[\[channel.namespaces\]\]: expected an array of tables"),
        ("[channel]\nnamespaces = [5]", r"\[\[channel.namespaces\]\]: expected a table"),
        ("[[channel.namespaces]]\nhistory_size = 5", r"\[\[channel.namespaces\]\] name: expected"),
        ("[[channel.namespaces]]\nname = 'a:b'", r"\[\[channel.namespaces\]\] name: expected .*, not 'a:b'"),
        ("[[channel.namespaces]]\nname = 'a'\n[[channel.namespaces]]\nname = 'a'", "a is there twice"),
        ("[[channel.namespaces]]\nname = 'a'\nsize = 1", r"\[\[channel.namespaces\]\] a: unknown key size"),
    ],
)
def test_what_is_wrong_is_named_with_its_table(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        read(text)
