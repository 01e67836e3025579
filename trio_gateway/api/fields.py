"""A schema becomes lines that people read: each field with its type and its meaning, inner ones under their path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

Schema = Mapping[str, Any]
ANY = "any JSON"
VALUE = "value"


@attrs.frozen
class Field:
    """Describe one field; `path` is its name, with those of the objects around it in front."""

    path: str
    type: str
    meaning: str
    required: bool


def fields_of(name: str, components: Mapping[str, Schema], before: str = "") -> Iterator[Field]:
    """Go through the fields of the type `name`, the required ones first, each followed by those in it.

    An object around a value alone is no field of its own: its value stands for it, and means what it means.
    """
    schema = components[name]
    required = schema.get("required", ())
    for key, outer in sorted(schema.get("properties", {}).items(), key=lambda field: field[0] not in required):
        inner, ending = _element(outer)
        path, meaning = f"{before}{key}", outer.get("description", "")
        if value := _wrapped(inner, components):
            yield Field(f"{path}{ending}.{VALUE}", type_of(value), meaning, key in required)
            continue
        yield Field(path, type_of(outer), meaning, key in required)
        if "$ref" in inner:
            yield from fields_of(_name(inner), components, f"{path}{ending}.")


def type_of(schema: Schema) -> str:
    """Say in words what a value is: null, which stands for nothing, is left out."""
    schema = _present(schema)
    if "$ref" in schema:
        return "object"
    kind = schema.get("type")
    if kind == "array":
        return f"array of {_plural(type_of(schema['items']))}"
    if kind == "object":
        return f"object of {_plural(type_of(schema.get('additionalProperties', {})))}"
    return str(kind) if kind else ANY


def _element(schema: Schema) -> tuple[Schema, str]:
    """Look into an array or a map; the second says how a path goes on in it."""
    schema = _present(schema)
    if schema.get("type") == "array":
        return _present(schema["items"]), "[]"
    if schema.get("type") == "object" and "additionalProperties" in schema:
        return _present(schema["additionalProperties"]), ".*"
    return schema, ""


def _wrapped(schema: Schema, components: Mapping[str, Schema]) -> Schema | None:
    """Give the value of an object that has nothing else, such as `{"value": true}`; None for all others."""
    properties: Mapping[str, Schema] = components[_name(schema)].get("properties", {}) if "$ref" in schema else {}
    return properties[VALUE] if list(properties) == [VALUE] else None


def _present(schema: Schema) -> Schema:
    """Take the one alternative that is not null."""
    choices = [choice for choice in schema.get("anyOf", ()) if choice.get("type") != "null"]
    return choices[0] if choices else schema


def _name(schema: Schema) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _plural(type: str) -> str:
    return type if type == ANY else type.replace("object", "objects", 1) if type.startswith("object") else f"{type}s"
