"""The table of docs/embedding.md lists what hooks get."""

from __future__ import annotations

import re

import attrs
import pytest
from docs.markdown import ROOT, table_under

from trio_gateway import Client, ClientMessage
from trio_gateway.wire.centrifugo import CentrifugoCodec
from trio_gateway.wire.plain import PlainCodec
from trio_gateway.wire.request import Request

ROWS = table_under(ROOT / "docs" / "embedding.md", "Hooks", number=1)


def listed():
    """Give the names that the table has for each object, which stands in its first row alone."""
    found: dict[str, list[str]] = {}
    for thing, names, _meaning in ROWS:
        found.setdefault(thing or list(found)[-1], []).extend(re.findall(r"\w+", names))
    return found


@pytest.mark.parametrize(("name", "kind"), [("request", Request), ("client", Client), ("message", ClientMessage)])
def test_all_attributes_are_there(name, kind):
    assert sorted(listed()[name]) == sorted(field.name for field in attrs.fields(kind))


def test_the_protocols_are_those_of_the_codecs():
    (meaning,) = [meaning for _thing, name, meaning in ROWS if name == "protocol"]

    assert re.findall(r"\w+", meaning.replace(" or ", " ")) == [PlainCodec.name, CentrifugoCodec.name]
