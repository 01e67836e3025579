"""The TOML tables of channels and inboxes become Namespaces here, and those of hooks become BackEndRules."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from trio_gateway.model.errors import ConfigurationError
from trio_gateway.settings import kinds
from trio_gateway.settings.back_end import HOOKS, BackEndRules, HookRules
from trio_gateway.settings.names import suggestion
from trio_gateway.settings.namespaces import ChannelRules, InboxRules, Namespaces
from trio_gateway.settings.option import InvalidOption, options_of

TABLES = ("inbox", "channel", "hooks")
INBOX = "[inbox]"
WITHOUT_NAMESPACE = "[channel.without_namespace]"
NAMESPACES = "[[channel.namespaces]]"

Table = TypeVar("Table", ChannelRules, InboxRules, HookRules)


def read_namespaces(tables: Mapping[str, Any]) -> Namespaces:
    """Read the rules of channels from a parsed TOML file, whose other keys are of no interest here.

    Raises ConfigurationError, which names the table and the key.
    """
    channel = _table(tables.get("channel", {}), "[channel]")
    refuse_unknown(channel, ("without_namespace", "namespaces"), "[channel]")
    return Namespaces(
        inbox=_options(InboxRules, tables.get("inbox", {}), INBOX),
        without_namespace=_options(ChannelRules, channel.get("without_namespace", {}), WITHOUT_NAMESPACE),
        named=_named(channel.get("namespaces", [])),
    )


def read_back_end(tables: Mapping[str, Any]) -> BackEndRules:
    """Read where hooks are asked, from the same file; raises ConfigurationError in the same way."""
    hooks = _table(tables.get("hooks", {}), "[hooks]")
    refuse_unknown(hooks, HOOKS, "[hooks]")
    rules = {name: _options(HookRules, table, hook_table(name)) for name, table in hooks.items()}
    try:
        return BackEndRules(**rules)
    except InvalidOption as error:
        raise ConfigurationError(f"[hooks] {error}") from None


def hook_table(name: str) -> str:
    """Name the table of a hook."""
    return f"[hooks.{name}]"


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
        named[name] = _options(ChannelRules, table, f"{NAMESPACES} {name}")
    return named


def _name(raw: Any) -> str:
    try:
        return str(kinds.NAME.read(raw))
    except ValueError:
        given = "" if raw is None else f", not {raw!r}"
        raise ConfigurationError(f"{NAMESPACES} name: expected {kinds.NAME.expected}{given}") from None


def _options(kind: type[Table], table: Any, where: str) -> Table:
    known = [field.name for field, _option in options_of(kind)]
    refuse_unknown(_table(table, where), known, where)
    try:
        return kind(**table)
    except InvalidOption as error:
        raise ConfigurationError(f"{where} {error}") from None


def _table(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{where}: expected a table")
    return value
