"""The TOML tables `[inbox]`, `[channel.without_namespace]` and `[[channel.namespaces]]` become Namespaces here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from trio_gateway.model.errors import ConfigurationError
from trio_gateway.settings import kinds
from trio_gateway.settings.names import suggestion
from trio_gateway.settings.namespaces import ChannelRules, InboxRules, Namespaces
from trio_gateway.settings.option import InvalidOption, options_of

TABLES = ("inbox", "channel")
INBOX = "[inbox]"
WITHOUT_NAMESPACE = "[channel.without_namespace]"
NAMESPACES = "[[channel.namespaces]]"

Rules = TypeVar("Rules", ChannelRules, InboxRules)


def read_namespaces(tables: Mapping[str, Any]) -> Namespaces:
    """Read the rules of channels from a parsed TOML file, whose other keys are of no interest here.

    Raises ConfigurationError, which names the table and the key.
    """
    channel = _table(tables.get("channel", {}), "[channel]")
    refuse_unknown(channel, ("without_namespace", "namespaces"), "[channel]")
    return Namespaces(
        inbox=_rules(InboxRules, tables.get("inbox", {}), INBOX),
        without_namespace=_rules(ChannelRules, channel.get("without_namespace", {}), WITHOUT_NAMESPACE),
        named=_named(channel.get("namespaces", [])),
    )


def refuse_unknown(table: Mapping[str, Any], known: Collection[str], where: str = "") -> None:
    """Raise ConfigurationError where the table has a key that is not known, and name the nearest one that is."""
    for key in table:
        if key not in known:
            raise ConfigurationError(f"{where and where + ': '}unknown key {key}{suggestion(key, known)}")


def _named(entries: Any) -> dict[str, ChannelRules]:
    if not isinstance(entries, list):
        raise ConfigurationError(f"{NAMESPACES}: expected an array of tables")
    named: dict[str, ChannelRules] = {}
    for entry in entries:
        table = dict(_table(entry, NAMESPACES))
        name = _name(table.pop("name", None))
        if name in named:
            raise ConfigurationError(f"{NAMESPACES}: {name} is there twice")
        named[name] = _rules(ChannelRules, table, f"{NAMESPACES} {name}")
    return named


def _name(raw: Any) -> str:
    try:
        return str(kinds.NAME.read(raw))
    except ValueError:
        given = "" if raw is None else f", not {raw!r}"
        raise ConfigurationError(f"{NAMESPACES} name: expected {kinds.NAME.expected}{given}") from None


def _rules(rules: type[Rules], table: Any, where: str) -> Rules:
    known = [field.name for field, _option in options_of(rules)]
    refuse_unknown(_table(table, where), known, where)
    try:
        return rules(**table)
    except InvalidOption as error:
        raise ConfigurationError(f"{where} {error}") from None


def _table(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{where}: expected a table")
    return value
