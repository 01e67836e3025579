"""A configuration file is TOML of our own, or JSON of Centrifugo; its name says which."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import attrs

from trio_gateway.model.errors import ConfigurationError
from trio_gateway.settings.back_end import BackEndRules
from trio_gateway.settings.centrifugo.document import translate
from trio_gateway.settings.namespaces import Namespaces
from trio_gateway.settings.tables import TABLES, read_back_end, read_namespaces, refuse_unknown

JSON = ".json"


@attrs.frozen
class Given:
    """Hold a value as it was given, and the words that say where."""

    value: Any = attrs.field(repr=False)
    source: str


@attrs.frozen
class Contents:
    """Hold what a file gives: values of options, the rules of channels, where hooks are asked, and what there is to warn of."""

    given: dict[str, Given] = attrs.field(factory=dict)
    namespaces: Namespaces = attrs.field(factory=Namespaces)
    back_end: BackEndRules = attrs.field(factory=BackEndRules)
    warnings: tuple[str, ...] = ()


def is_centrifugos(path: Path) -> bool:
    """Tell whether a file is one of Centrifugo."""
    return path.suffix.lower() == JSON


def read_file(path: Path, options: Collection[str], answered: Collection[str]) -> Contents:
    """Read a configuration file, in which these `options` are known.

    A stronger source gives those that are `answered`; what a file of Centrifugo says of them is not
    looked at. Raises ConfigurationError, which names the file and the option.
    """
    document = _parse(path)
    try:
        return _of_centrifugo(document, path, answered) if is_centrifugos(path) else _of_ours(document, path, options)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from None


def _parse(path: Path) -> Any:
    word, parse = ("JSON", json.loads) if is_centrifugos(path) else ("TOML", tomllib.loads)
    try:
        return parse(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"--config {path}: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"--config {path}: not a {word} file: {error}") from None


def _of_ours(tables: Mapping[str, Any], path: Path, options: Collection[str]) -> Contents:
    refuse_unknown(tables, (*options, *TABLES))
    given = {key: Given(value, f"{path}: {key}") for key, value in tables.items() if key in options}
    return Contents(given, read_namespaces(tables), read_back_end(tables))


def _of_centrifugo(document: Any, path: Path, answered: Collection[str]) -> Contents:
    translation = translate(document, answered)
    given = {name: Given(one.value, f"{path}: {one.name}") for name, one in translation.values.items()}
    warnings = tuple(_warnings(path, translation.ignored))
    return Contents(given, translation.namespaces, translation.back_end, warnings)


def _warnings(path: Path, ignored: tuple[str, ...]) -> list[str]:
    return [f"{path}: ignored, as there is nothing like it here: {', '.join(ignored)}"] if ignored else []
