"""The tables of docs/api.md say what the code says."""

from __future__ import annotations

import re

import pytest
from docs.markdown import ROOT, table_under

from trio_gateway.api.answers import STATUS_OF
from trio_gateway.api.methods import METHODS
from trio_gateway.api.openapi import schemas
from trio_gateway.model.codes import ERROR_CODES

PAGE = ROOT / "docs" / "api.md"
ROWS = table_under(PAGE, "Methods")


def fields(kind):
    schema = schemas()[kind.__name__]
    return set(schema.get("properties", {})), set(schema.get("required", ()))


def test_the_methods_are_those_of_the_table_in_its_order():
    assert [row[:2] for row in ROWS] == [[method.name, method.sentence] for method in METHODS.values()]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_fields_of_a_method_are_those_of_its_types(row):
    method = METHODS[row[0]]
    for cell, kind in ((row[2], method.request), (row[3], method.result)):
        # A cell's outer ticks are gone.
        names, required = set(re.findall(r"\w+", cell)), set(re.findall(r"\*\*`(\w+)`\*\*", cell))
        assert (names, required) == fields(kind)


def test_the_errors_are_those_that_have_a_status():
    rows = table_under(PAGE, "Errors")
    expected = [
        [str(code.code), code.message, str(STATUS_OF[code.code])] for code in ERROR_CODES if code.code in STATUS_OF
    ]

    assert [row[:3] for row in rows] == expected
