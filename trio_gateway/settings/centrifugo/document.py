"""A document of Centrifugo is translated here: each option is taken, or stops the start, or is told to be ignored."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import attrs

from trio_gateway.model.errors import ConfigurationError
from trio_gateway.settings.back_end import BackEndRules
from trio_gateway.settings.centrifugo import proxies
from trio_gateway.settings.centrifugo.channels import Channels, read_channels
from trio_gateway.settings.centrifugo.engine import redis_url
from trio_gateway.settings.centrifugo.refused import IGNORED_SECTIONS, REFUSED, SILENT, SUBSCRIPTIONS_OWN
from trio_gateway.settings.centrifugo.taken import CHANNEL, DEFAULTS, REDIS, STORE, SWITCH, TAKEN, TLS, Taken
from trio_gateway.settings.centrifugo.values import is_off
from trio_gateway.settings.namespaces import Namespaces
from trio_gateway.settings.option import SHOWN

DEEPEST = 8
"""Levels of a document that are looked into; the deepest option that we know is at 4."""

WHOLE = (*CHANNEL[:2], *proxies.WHOLE)
"""What is kept in one piece, for those who read it."""

SUBSCRIPTIONS = SWITCH.removesuffix("enabled")
TAKEN_NAMES = (*(taken.name for taken in TAKEN), *STORE, *CHANNEL, *proxies.NAMES, SWITCH)
KNOWN = {*TAKEN_NAMES, *(refused.name for refused in REFUSED)}
SECTIONS = {name.partition(".")[0] for name in KNOWN}
"""Sections that are known; of the others only their own names are worth telling."""

FLAT = re.compile(
    r"(token|subscription_token|client|channel|api|admin|redis|nats|proxy|history|allow|force|presence|log|websocket|user"
    r"|grpc_api|uni_\w+|sse|http_stream|tls|broker|node|shutdown|prometheus|debug|health|global)_\w+"
    r"|namespaces|rpc_namespaces|granular_proxy_mode|port|address|internal_port|internal_address|allowed_origins"
    r"|join_leave|ping_interval|pong_timeout|presence|secret|v3_use_offset"
)
"""Names at the top of a file of Centrifugo 5 or older."""

NEWER = ("grpc_api", "http_stream", "presence_manager", "tls_autocert")
"""Sections of version 6 that look like those."""

OLDER = (
    "is written as for Centrifugo 5 or older; expected a file of version 6: convert it first with the converter in "
    "Centrifugo's own guide to the migration to v6"
)


@attrs.frozen
class Value:
    """Hold a value for one of our options, and what it is called in the document."""

    value: Any = attrs.field(repr=False)
    name: str


@attrs.frozen
class Translation:
    """Hold what a document says in our words, and the names of what it says for nothing."""

    values: Mapping[str, Value]
    namespaces: Namespaces
    back_end: BackEndRules
    ignored: tuple[str, ...]


def translate(document: Any, answered: Collection[str] = ()) -> Translation:
    """Translate a parsed document; what is `answered` are our options that a stronger source gives anyway.

    Raises ConfigurationError, in one line that names the option and what is expected.
    """
    if not isinstance(document, Mapping):
        raise ConfigurationError("expected a JSON object")
    _refuse_older(document)
    options = _in_effect(dict(_flatten(document)))
    _refuse_dangerous(options, answered)
    channels = read_channels(options)
    values = _taken({**DEFAULTS, **options}, answered)
    if "redis_url" not in answered:
        url = redis_url(options)
        values |= {"redis_url": Value(url, f"{REDIS}address")} if url else {}
    back_end = proxies.read_proxies(options)
    return Translation(values, channels.namespaces, back_end, tuple(_ignored(options, channels)))


def _refuse_older(document: Mapping[str, Any]) -> None:
    for key, value in document.items():
        name = key.lower()
        section = name in SECTIONS | {*NEWER} or name.startswith("uni_")
        old = section and not isinstance(value, Mapping | None)
        if old or (FLAT.fullmatch(name) and not isinstance(value, Mapping)):
            raise ConfigurationError(f"{_shown(name)}: {OLDER}")


def _flatten(table: Mapping[str, Any], above: str = "", depth: int = 1) -> Iterator[tuple[str, Any]]:
    """Go through the options of a document, named with dots; what is switched off as a whole is left out."""
    for key, value in table.items():
        name = above + key.lower()
        if not isinstance(value, Mapping) or name in WHOLE or depth == DEEPEST:
            yield name, value
        elif not (_has_switch(name) and any(word.lower() == "enabled" and is_off(on) for word, on in value.items())):
            yield from _flatten(value, f"{name}.", depth + 1)


def _has_switch(section: str) -> bool:
    """Tell whether a section may have a key `enabled`; one of which we take anything else has not."""
    within = f"{section}."
    return within in (SUBSCRIPTIONS, TLS, *proxies.SECTIONS) or not any(name.startswith(within) for name in TAKEN_NAMES)


def _in_effect(options: dict[str, Any]) -> dict[str, Any]:
    """Leave out what says nothing, and what Centrifugo itself does not look at."""
    unused = [
        *([] if options.get("engine.type") == "redis" else [REDIS]),
        *([] if SWITCH in options else [SUBSCRIPTIONS]),
    ]
    return {
        name: value
        for name, value in options.items()
        if value not in (None, "") and not any(name.startswith(prefix) for prefix in unused)
    }


def _refuse_dangerous(options: Mapping[str, Any], answered: Collection[str]) -> None:
    stops = [
        f"{refused.name}: {refused.advice}"
        for refused in REFUSED
        if refused.answer not in answered and refused.stops(options.get(refused.name))
    ]
    if (
        SWITCH in options
        and f"{SUBSCRIPTIONS}hmac_secret_key" not in options
        and "subscription_token_secret" not in answered
    ):
        stops.append(f"{SWITCH}: {SUBSCRIPTIONS_OWN}")
    if stops:
        raise ConfigurationError("; ".join(dict.fromkeys(stops)))


def _taken(options: Mapping[str, Any], answered: Collection[str]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for taken in TAKEN:
        raw = options.get(taken.name)
        if raw is None or raw in taken.unset or taken.option in answered:
            continue
        value = _read(taken, raw)
        if taken.join and taken.option in found:
            value = taken.join(found[taken.option].value, value)
        found[taken.option] = Value(value, taken.name)
    return found


def _read(taken: Taken, raw: Any) -> Any:
    try:
        return taken.kind.read(raw)
    except (ValueError, TypeError, OverflowError):
        raise ConfigurationError(f"{taken.name}: expected {taken.kind.expected}") from None


def _ignored(options: Mapping[str, Any], channels: Channels) -> list[str]:
    names = [
        name if name.partition(".")[0] in SECTIONS else name.partition(".")[0]
        for name, value in options.items()
        if name not in KNOWN and not is_off(value) and value not in SILENT.get(name, ())
    ]
    told = [name for name in (*names, *channels.ignored) if name not in IGNORED_SECTIONS]
    return [_shown(name) for name in dict.fromkeys(told)]


def _shown(name: str) -> str:
    return (name if name.isprintable() else ascii(name))[:SHOWN]
