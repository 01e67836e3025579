"""The flags of a command are made from the options of Settings, with their help and defaults."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

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
    Parameter(name="--config", help="TOML file with options, see `trio-gateway config --example`.", metavar="FILE"),
]


def takes_settings(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the flags of the options named (of all, where none is), and settings in their place.

    The command has a keyword parameter `settings`. What is no flag of this command still comes from
    the environment and the TOML file. Raises ConfigurationError when a value is wrong.
    """
    flags = _flag_class(names)

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def run(*arguments: Any, flags: Any = None, **keywords: Any) -> Any:
            return command(*arguments, settings=settings_of(flags), **keywords)

        _describe(run, command, flags)
        return run

    return decorate


def settings_of(flags: Any) -> Settings:
    """Load the settings from the flags given, the environment and the TOML file."""
    given = attrs.asdict(flags) if flags is not None else {}
    config = given.pop("config", None)
    toml_path = Path(config).expanduser() if config else None
    return load_settings(given, os.environ, toml_path, warn=lambda line: say(f"warning: {line}"))


def _describe(run: Callable[..., Any], command: Callable[..., Any], flags: Any) -> None:
    """Let cyclopts see the command's own parameters and, in the place of `settings`, the flags."""
    signature = inspect.signature(command, eval_str=True)
    flattened = Annotated[flags, Parameter(name="*")]
    parameters = [
        each.replace(name="flags", annotation=flattened, default=None) if each.name == "settings" else each
        for each in signature.parameters.values()
    ]
    del run.__wrapped__  # type: ignore[attr-defined]  # functools.wraps sets it; cyclopts would look behind it
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]  # PEP 362
    run.__annotations__ = {each.name: each.annotation for each in parameters}


def _flag_class(names: tuple[str, ...]) -> type:
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
