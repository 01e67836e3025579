"""Settings come from three places: a flag beats the environment, the environment beats the file."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from trio_gateway.model.errors import ConfigurationError
from trio_gateway.settings.files import Contents, Given, is_centrifugos, read_file
from trio_gateway.settings.names import suggestion
from trio_gateway.settings.option import InvalidOption, options_of
from trio_gateway.settings.settings import Settings
from trio_gateway.settings.tables import refuse_unknown

PREFIX = "TRIO_GATEWAY_"
CONFIG = PREFIX + "CONFIG"
CENTRIFUGO = "CENTRIFUGO_"
OPTIONS = {field.name: option for field, option in options_of(Settings)}

KUBERNETES_SERVICE = re.compile(r"SERVICE_(HOST|PORT(_\w+)?)|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?")
"""What Kubernetes sets by itself in every pod beside a service that is named trio-gateway."""


def load_settings(
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    toml_path: Path | None = None,
    *,
    warn: Callable[[str], None] = warnings.warn,
) -> Settings:
    """Make the settings from flags, environment variables and a TOML file.

    `flags` maps the names of options to values as typed, None where a flag was not given; `environ`
    may hold `TRIO_GATEWAY_<NAME>` and, where `toml_path` is None, `TRIO_GATEWAY_CONFIG`. A file whose
    name ends in `.json` is read as a configuration of Centrifugo 6. Unknown environment variables,
    and what of Centrifugo's is ignored, are told to `warn`. Raises ConfigurationError, in one line that
    names the option and what was expected, for anything else that is wrong.
    """
    environ = environ or {}
    path = toml_path or _path_in(environ)
    stronger = _read_environment(environ, warn) | _read_flags(flags or {})
    contents = read_file(path, OPTIONS, stronger) if path else Contents()
    _warn(contents, [*_centrifugos_variables(environ)] if path and is_centrifugos(path) else [], warn)
    given = contents.given | stronger
    try:
        values = {name: one.value for name, one in given.items()}
        return Settings(**values, namespaces=contents.namespaces, back_end=contents.back_end)
    except InvalidOption as error:
        source = given[error.option].source if error.option in given else error.option
        raise ConfigurationError(f"{source}: {error.problem}") from None


def flag_name(name: str) -> str:
    """Give the flag of an option, such as `--admin-port`."""
    return "--" + (OPTIONS[name].singular or name).replace("_", "-")


def _path_in(environ: Mapping[str, str]) -> Path | None:
    return Path(environ[CONFIG]).expanduser() if environ.get(CONFIG) else None


def _read_flags(flags: Mapping[str, Any]) -> dict[str, Given]:
    refuse_unknown(flags, OPTIONS, "flags")
    return {name: Given(value, flag_name(name)) for name, value in flags.items() if value is not None}


def _read_environment(environ: Mapping[str, str], warn: Callable[[str], None]) -> dict[str, Given]:
    ours = {key.removeprefix(PREFIX): value for key, value in environ.items() if key.startswith(PREFIX)}
    _warn_of_unknown(ours, warn)
    return {
        name: Given(ours[name.upper()], PREFIX + name.upper())
        for name in OPTIONS
        if ours.get(name.upper()) and not _is_kubernetes_port(name, ours[name.upper()])
    }


def _is_kubernetes_port(name: str, value: str) -> bool:
    return name.endswith("port") and value.startswith("tcp://")


def _warn_of_unknown(ours: Mapping[str, str], warn: Callable[[str], None]) -> None:
    known = [name.upper() for name in OPTIONS]
    for name in sorted(ours):
        if name not in (*known, CONFIG.removeprefix(PREFIX)) and not KUBERNETES_SERVICE.fullmatch(name):
            warn(f"unknown environment variable {PREFIX}{name}{suggestion(name, known, PREFIX)}")


def _centrifugos_variables(environ: Mapping[str, str]) -> Iterator[str]:
    ours = (key for key in sorted(environ) if key.startswith(CENTRIFUGO))
    return (key for key in ours if not KUBERNETES_SERVICE.fullmatch(key.removeprefix(CENTRIFUGO)))


def _warn(contents: Contents, variables: list[str], warn: Callable[[str], None]) -> None:
    for line in contents.warnings:
        warn(line)
    if variables:
        warn(f"not read here: {', '.join(variables)}; options of the environment begin with {PREFIX}")
