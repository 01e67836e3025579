"""An option is documented where its field stands: `option(…)` puts all there is to say into the field itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import attrs

from trio_gateway.settings.kind import Kind

HIDDEN = "***"
SHOWN = 80
"""Characters of a wrong value that an error repeats."""


class InvalidOption(ValueError):
    """Say that an option has a wrong value: `option` is its name, `problem` what was expected instead."""

    def __init__(self, option: str, problem: str) -> None:
        super().__init__(f"{option}: {problem}")
        self.option = option
        self.problem = problem


@attrs.frozen(kw_only=True)
class Option:
    """Describe one option.

    `hide` makes a value that holds a secret fit to be shown. `unset` says what happens where the
    default is empty, and `example` is a value to show in its place. `singular` names the flag that
    gives one item of a list.
    """

    kind: Kind
    help: str
    group: str = ""
    hide: Callable[[Any], Any] | None = None
    unset: str = ""
    example: Any = None
    singular: str = ""

    def shown(self, value: Any) -> Any:
        """Give the value as it may be shown to anybody."""
        return value if value is None or self.hide is None else self.hide(value)


def option(default: Any, kind: Kind, help: str, **more: Any) -> Any:
    """Make the attrs field of an option; `more` are further fields of Option.

    The field reads text (from a flag or the environment) and TOML values alike, and raises
    InvalidOption, which names the option and what was expected.
    """
    described = Option(kind=kind, help=help, **more)

    def read(raw: Any, field: attrs.Attribute[Any]) -> Any:
        return None if raw is None and default is None else _read(described, field.name, raw)

    return attrs.field(
        default=default,
        converter=attrs.Converter(read, takes_field=True),
        metadata={Option: described},
        repr=(lambda value: repr(described.shown(value))) if described.hide else True,
    )


def options_of(settings: type[attrs.AttrsInstance]) -> Iterator[tuple[attrs.Attribute[Any], Option]]:
    """Go through the options of a class in their order, each with its field."""
    return ((field, field.metadata[Option]) for field in attrs.fields(settings) if Option in field.metadata)


def hide(_value: str) -> str:
    """Hide a secret."""
    return HIDDEN


def hide_each(values: Sequence[str]) -> tuple[str, ...]:
    """Hide each of some secrets."""
    return (HIDDEN,) * len(values)


def hide_password(url: str) -> str:
    """Hide the password in a URL."""
    parts = urlsplit(url)
    before, at, host = parts.netloc.rpartition("@")
    user, colon, _password = before.partition(":")
    return parts._replace(netloc=f"{user}{colon}{HIDDEN}{at}{host}").geturl() if colon else url


def _read(described: Option, name: str, raw: Any) -> Any:
    try:
        return described.kind.read(raw)
    except (ValueError, TypeError, OverflowError):
        text = ", ".join(map(str, raw)) if isinstance(raw, list) else str(raw)
        shown = "" if described.hide else f", not {text[:SHOWN]!r}"
        raise InvalidOption(name, f"expected {described.kind.expected}{shown}") from None
