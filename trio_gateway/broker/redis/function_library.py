"""The function library's source is generated here: the Lua texts of `functions/`, a revision, and the settings of each prefix.

A server has one set of functions for all its databases, so installations with different prefixes
share the library: each adds its own settings and leaves the others' in place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import attrs

from trio_gateway.broker.limits import Limits
from trio_gateway.settings.namespaces import History, Namespaces

NAME = "tg1"
REVISION = 4
"""Grows with every change of `functions/`; a server keeps the newest one."""

PARTS = (
    *("settings", "text", "expiry", "channel", "meta", "version", "publish", "read", "remove", "cursors"),
    *("presence", "marks", "library"),
)
"""The files of `functions/`, each using what stands before it."""

Installation = dict[str, Any]
"""What the library knows about one prefix, as JSON has it."""


@attrs.frozen
class Library:
    """Hold what a server has loaded: the library's revision, and each prefix's settings."""

    revision: int = 0
    installations: Mapping[str, Installation] = attrs.field(factory=dict)

    @classmethod
    def parse(cls, answer: Sequence[Any]) -> Library:
        """Read what `tg1_library` answers."""
        revision, settings = answer
        return cls(int(revision), json.loads(settings))


NOT_LOADED = Library()


def installation_of(namespaces: Namespaces, limits: Limits, *, provisional: bool = False) -> Installation:
    """Write down one prefix's settings for the functions.

    `provisional` marks a guess by somebody who does not know the real ones (a back end with default
    settings), which any node replaces.
    """
    return {
        "inbox": _rules(namespaces.inbox.history),
        "plain": _rules(namespaces.without_namespace.history),
        "named": {name: _rules(rules.history) for name, rules in sorted(namespaces.named.items())},
        "limits": [limits.max_publication_size, limits.max_channel_length, limits.max_devices],
        "provisional": provisional,
    }


def update_of(loaded: Library, prefix: str, wanted: Installation) -> str | None:
    """Give the source to load so that the server has our functions and settings; None where nothing is to be done.

    A newer revision is never replaced, and real settings never by provisional ones.
    """
    if loaded.revision > REVISION or not _is_better(loaded, loaded.installations.get(prefix), wanted):
        return None
    return source({**loaded.installations, prefix: _preferred(loaded.installations.get(prefix), wanted)})


def source(installations: Mapping[str, Installation]) -> str:
    """Generate the library's source for FUNCTION LOAD."""
    settings = json.dumps(installations, sort_keys=True)
    # ASCII JSON written as a JSON string is a Lua string as well: no escapes but \\ and \".
    return f"#!lua name={NAME}\nlocal REVISION = {REVISION}\nlocal SETTINGS = {json.dumps(settings)}\n{_functions()}"


def _rules(history: History) -> list[int]:
    return [history.size, round(history.ttl * 1000), round(history.meta_ttl * 1000)]


def _is_better(loaded: Library, present: Installation | None, wanted: Installation) -> bool:
    return loaded.revision < REVISION or _preferred(present, wanted) != present


def _preferred(present: Installation | None, wanted: Installation) -> Installation:
    return present if present and wanted["provisional"] and not present["provisional"] else wanted


@cache
def _functions() -> str:
    folder = files(__package__).joinpath("functions")
    return "\n".join(folder.joinpath(f"{part}.lua").read_text(encoding="utf-8") for part in PARTS)
