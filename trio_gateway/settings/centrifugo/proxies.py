"""The proxies of Centrifugo become BackEndRules: which object is which hook's, and what is taken of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from trio_gateway.model.errors import ConfigurationError
from trio_gateway.settings.back_end import BackEndRules, HookRules
from trio_gateway.settings.centrifugo import values
from trio_gateway.settings.centrifugo.values import is_off
from trio_gateway.settings.kind import Kind
from trio_gateway.settings.option import InvalidOption


@attrs.frozen
class Proxy:
    """Say which hook's an object is, and which option switches it on; without one an endpoint does."""

    hook: str
    name: str
    switch: str = ""


PROXIES = (
    Proxy("connect", "client.proxy.connect", "client.proxy.connect.enabled"),
    Proxy("refresh", "client.proxy.refresh", "client.proxy.refresh.enabled"),
    Proxy("subscribe", "channel.proxy.subscribe"),
    Proxy("publish", "channel.proxy.publish"),
    Proxy("sub_refresh", "channel.proxy.sub_refresh"),
    Proxy("rpc", "rpc.proxy", "rpc.without_namespace.proxy_enabled"),
)


def _first_of_each_status(raw: Any) -> Any:
    """Leave out the transforms that Centrifugo never comes to: of two for one status it takes the first."""
    if not isinstance(raw, list) or not all(isinstance(one, Mapping) for one in raw):
        return raw  # the rules say what is wrong with it
    statuses = [one.get("status_code") for one in raw]
    return [one for place, one in enumerate(raw) if one.get("status_code") not in statuses[:place]]


FIELDS: dict[str, tuple[str, Kind]] = {
    "endpoint": ("url", values.AS_IS),
    "timeout": ("timeout", values.DURATION),
    "http_headers": ("http_headers", values.AS_IS),
    "emulated_headers": ("emulated_headers", values.AS_IS),
    "include_connection_meta": ("include_connection_meta", values.AS_IS),
    "http.static_headers": ("static_headers", values.AS_IS),
    "http.status_to_code_transforms": ("status_to_code_transforms", Kind("", _first_of_each_status, "")),
}
"""Options of each object: what they are called here, and how they are read."""

SWITCHES = tuple(proxy.switch for proxy in PROXIES if proxy.switch)
NAMES = (*SWITCHES, *(f"{proxy.name}.{field}" for proxy in PROXIES for field in FIELDS))
WHOLE = tuple(f"{proxy.name}.http.static_headers" for proxy in PROXIES)
"""What is kept in one piece."""

SECTIONS = tuple(f"{proxy.name}." for proxy in PROXIES)


def read_proxies(options: Mapping[str, Any]) -> BackEndRules:
    """Read the rules of hooks from options named with dots.

    Raises ConfigurationError, which names the option and what was expected.
    """
    found = {proxy.hook: _rules(proxy, options) for proxy in PROXIES if _is_on(proxy, options)}
    try:
        return BackEndRules(**found)
    except InvalidOption as error:
        hook, _, option = error.option.partition(".")
        (name,) = [proxy.name for proxy in PROXIES if proxy.hook == hook]
        raise ConfigurationError(f"{name}.{_field(option)}: {error.problem}") from None


def _is_on(proxy: Proxy, options: Mapping[str, Any]) -> bool:
    return not is_off(options.get(proxy.switch or f"{proxy.name}.endpoint"))


def _rules(proxy: Proxy, options: Mapping[str, Any]) -> HookRules:
    given = {
        ours: _read(name, kind, options[name])
        for field, (ours, kind) in FIELDS.items()
        if not is_off(options.get(name := f"{proxy.name}.{field}"))
    }
    try:
        return HookRules(**given)
    except InvalidOption as error:
        raise ConfigurationError(f"{proxy.name}.{_field(error.option)}: {error.problem}") from None


def _field(option: str) -> str:
    """Give what one of our options is called in an object."""
    (field,) = [field for field, (ours, _kind) in FIELDS.items() if ours == option]
    return field


def _read(name: str, kind: Kind, raw: Any) -> Any:
    try:
        return kind.read(raw)
    except (ValueError, TypeError):
        raise ConfigurationError(f"{name}: expected {kind.expected}") from None
