"""The `channel` section of Centrifugo becomes Namespaces, with Centrifugo's own defaults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from trio_gateway.model.errors import ConfigurationError
from trio_gateway.settings import kinds
from trio_gateway.settings.centrifugo import values
from trio_gateway.settings.centrifugo.refused import REFUSED_IN_NAMESPACES, SILENT_IN_NAMESPACES
from trio_gateway.settings.centrifugo.taken import CHANNEL_DEFAULTS, IN_NAMESPACES
from trio_gateway.settings.centrifugo.values import is_off
from trio_gateway.settings.kind import Kind
from trio_gateway.settings.namespaces import META_OUTLIVES, ChannelRules, InboxRules, Namespaces
from trio_gateway.settings.option import SHOWN, InvalidOption

NO_SENDING = InboxRules(allow_send_for_client=False)
"""Centrifugo has no inboxes, so its file can't have meant that clients may send to them."""

WITHOUT = "channel.without_namespace"
NAMED = "channel.namespaces"
KINDS = {
    "history_ttl": values.DURATION,
    "history_meta_ttl": values.DURATION,
    "channel_regex": values.REGEX,
}


@attrs.frozen
class Channels:
    """Hold the rules of all channels, and the names of options that were ignored."""

    namespaces: Namespaces
    ignored: tuple[str, ...]


def read_channels(options: Mapping[str, Any]) -> Channels:
    """Read the rules of channels from options named with dots.

    Raises ConfigurationError, which names the option and what was expected.
    """
    everywhere = {name: options.get(f"channel.{name}") for name in ("history_meta_ttl", "publication_data_format")}
    tables = {WITHOUT: _table(options.get(WITHOUT) or {}, WITHOUT)}
    names: dict[str, str] = {}
    for entry in _list(options.get(NAMED) or []):
        table = _table(entry, NAMED)
        name = _name(table.pop("name", None), names)
        names[name] = f"{NAMED}[{name}]"
        tables[names[name]] = table
    rules = {where: _rules({**_set(everywhere), **table}, where) for where, table in tables.items()}
    named = {name: rules[where] for name, where in names.items()}
    ignored = [f"channel.{name}" for name in _ignored(everywhere)]
    ignored += [f"{where}.{name}" for where, table in tables.items() for name in _ignored(table)]
    return Channels(Namespaces(NO_SENDING, rules[WITHOUT], named), tuple(ignored))


def _rules(table: Mapping[str, Any], where: str) -> ChannelRules:
    stops = [refused for refused in REFUSED_IN_NAMESPACES if refused.stops(table.get(refused.name))]
    if stops:
        raise ConfigurationError("; ".join(f"{where}.{refused.name}: {refused.advice}" for refused in stops))
    given = {name: _value(name, value, where) for name, value in table.items() if _is_taken(name, value)}
    if bool(given.get("history_size")) != bool(given.get("history_ttl")):
        raise ConfigurationError(f"{where}: expected both history_size and history_ttl, or neither")
    try:
        return ChannelRules(**{**CHANNEL_DEFAULTS, **_with_meta_ttl(given)})
    except InvalidOption as error:
        raise ConfigurationError(f"{where}.{error}") from None


def _with_meta_ttl(given: dict[str, Any]) -> dict[str, Any]:
    """Let the meta outlive the publications as long as it must here; Centrifugo takes less."""
    if not given.get("history_ttl"):
        return given
    usual = ChannelRules().history_meta_ttl
    least = META_OUTLIVES * given["history_ttl"]
    return {**given, "history_meta_ttl": max(given.get("history_meta_ttl", usual), least)}


def _is_taken(name: str, value: Any) -> bool:
    return name in IN_NAMESPACES and (name, value) != ("publication_data_format", "binary")


def _value(name: str, value: Any, where: str) -> Any:
    kind: Kind = KINDS.get(name, values.AS_IS)
    if name == "history_ttl" and is_off(value):
        return 0.0
    try:
        return kind.read(value)
    except ValueError:
        raise ConfigurationError(f"{where}.{name}: expected {kind.expected}, not {str(value)[:SHOWN]!r}") from None


def _ignored(table: Mapping[str, Any]) -> Iterator[str]:
    for name, value in table.items():
        silent = is_off(value) or value in SILENT_IN_NAMESPACES.get(name, ())
        if not silent and not _is_taken(name, value):
            yield name


def _set(table: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in table.items() if value not in (None, "")}


def _list(entries: Any) -> list[Any]:
    if not isinstance(entries, list):
        raise ConfigurationError(f"{NAMED}: expected a list of objects")
    return entries


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{where}: expected an object")
    return _set({key.lower(): entry for key, entry in value.items()})


def _name(raw: Any, there: Mapping[str, str]) -> str:
    try:
        name = str(kinds.NAME.read(raw))
    except ValueError:
        given = "" if raw is None else f", not {str(raw)[:SHOWN]!r}"
        raise ConfigurationError(f"{NAMED}.name: expected {kinds.NAME.expected}{given}") from None
    if name in there:
        raise ConfigurationError(f"{NAMED}: {name} is there twice")
    return name
