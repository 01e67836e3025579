"""The flags of a command are made from the options of Settings, with their help and defaults."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import attrs
from cyclopts import Group, Parameter

from trio_gateway.cli.exits import say
from trio_gateway.settings.loader import flag_name, load_settings
from trio_gateway.settings.option import Option, options_of
from trio_gateway.settings.reference import default_text
from trio_gateway.settings.settings import Settings

GROUPS = {
    name: Group(name, sort_key=order)
    for order, name in enumerate(dict.fromkeys(option.group for _field, option in options_of(Settings)), start=1)
}

CONFIG: Any = Annotated[
    str | None,
    Parameter(
        name="--config",
        help="TOML file with options, see `trio-gateway config --example`; or .json of Centrifugo 6.",
        metavar="FILE",
    ),
]


Command = TypeVar("Command", bound=Callable[..., Any])


def takes_flags(*names: str) -> Callable[[Command], Command]:
    """Give a command the flags of the options named, or of all where none is; they arrive in its parameter `flags`."""

    def decorate(command: Command) -> Command:
        command.__annotations__["flags"] = Annotated[_flag_class(names), Parameter(name="*")]
        return command

    return decorate


def settings_of(flags: Any) -> Settings:
    """Load the settings from a command's flags, the environment and the TOML file.

    What is no flag of this command still comes from the other two. Raises ConfigurationError when a
    value is wrong.
    """
    given = attrs.asdict(flags) if flags is not None else {}
    config = given.pop("config", None)
    toml_path = Path(config).expanduser() if config else None
    return load_settings(given, os.environ, toml_path, warn=lambda line: say(f"warning: {line}"))


def _flag_class(names: tuple[str, ...]) -> Any:
    fields = {
        field.name: attrs.field(default=None, type=_annotation(field, option))
        for field, option in options_of(Settings)
        if not names or field.name in names
    }
    fields["config"] = attrs.field(default=None, type=CONFIG)
    return attrs.make_class("Flags", fields, frozen=True, kw_only=True)


def _annotation(field: attrs.Attribute[Any], option: Option) -> Any:
    """Let every flag be text: values are read in one place, settings/kinds.py, wherever they come from."""
    kind = option.kind
    parameter = Parameter(
        name=flag_name(field.name),
        help=option.help + _default(field, option),
        group=GROUPS[option.group],
        metavar=kind.sign,
        negative_iterable=(),
        show_default=False,
        allow_leading_hyphen=not kind.flag,
    )
    return Annotated[(bool if kind.flag else list[str] if kind.many else str) | None, parameter]


def _default(field: attrs.Attribute[Any], option: Option) -> str:
    default = default_text(field, option).strip('"')
    return "" if option.kind.flag else f" [default: {default}]"
