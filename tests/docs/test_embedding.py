"""The table of docs/embedding.md lists what hooks get."""

from __future__ import annotations

import re

import attrs
import pytest
from docs.markdown import ROOT, table_under

import trio_gateway
from trio_gateway import Client, ClientMessage, Hooks
from trio_gateway.hooks import requests, results
from trio_gateway.wire.centrifugo import CentrifugoCodec
from trio_gateway.wire.plain import PlainCodec
from trio_gateway.wire.request import Request

PAGE = ROOT / "docs" / "embedding.md"
HOOKS = table_under(PAGE, "Hooks")
ROWS = table_under(PAGE, "Hooks", number=1)
VALUES = table_under(PAGE, "Hooks", number=2)
KINDS = [
    each
    for module in (requests, results)
    for name, each in vars(module).items()
    if name.endswith(("Request", "Result")) and each is not Request
]


def listed(rows=ROWS):
    """Give the names that the table has for each object, which stands in its first row alone."""
    found: dict[str, list[str]] = {}
    for thing, names, _meaning in rows:
        found.setdefault(thing or list(found)[-1], []).extend(re.findall(r"\w+", names))
    return found


def test_all_hooks_are_there():
    functions = [field.name for field in attrs.fields(Hooks) if not field.name.endswith("headers")]

    assert [row[0].partition("(")[0] for row in HOOKS] == functions


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_all_attributes_of_requests_and_results_are_there(kind):
    properties = [name for name in dir(kind) if isinstance(getattr(kind, name), property)]

    assert sorted(listed(VALUES)[kind.__name__]) == sorted([*properties, *(each.name for each in attrs.fields(kind))])


def test_all_requests_and_results_can_be_imported_from_the_package():
    assert {each for each in listed(VALUES) if getattr(trio_gateway, each)} == listed(VALUES).keys()


@pytest.mark.parametrize(("name", "kind"), [("request", Request), ("client", Client), ("message", ClientMessage)])
def test_all_attributes_are_there(name, kind):
    assert sorted(listed()[name]) == sorted(field.name for field in attrs.fields(kind))


def test_the_protocols_are_those_of_the_codecs():
    (meaning,) = [meaning for _thing, name, meaning in ROWS if name == "protocol"]

    assert re.findall(r"\w+", meaning.replace(" or ", " ")) == [PlainCodec.name, CentrifugoCodec.name]
