"""A tags filter decides by the table here; what is no filter, or too large a one, is refused when it is read."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_gateway.model.errors import BadRequest
from trio_gateway.model.tags_filter import MAX_BYTES, MAX_DEPTH, MAX_NODES, MAX_VALUES, read_filter, read_tags


def leaf(cmp, val="", key="price", **more):
    return {"key": key, "cmp": cmp, **({"val": val} if val else {}), **more}


def node(op, *nodes):
    return {"op": op, "nodes": list(nodes)}


EUR, USD = leaf("eq", "EUR", "unit"), leaf("eq", "USD", "unit")
CHEAP = leaf("lt", "10")


@pytest.mark.parametrize(
    ("filter", "tags", "matches"),
    [
        (EUR, {"unit": "EUR"}, True),
        (EUR, {"unit": "eur"}, False),
        (EUR, {}, False),
        (leaf("neq", "EUR", "unit"), {"unit": "EUR"}, False),
        (leaf("neq", "EUR", "unit"), {"unit": "USD"}, True),
        (leaf("neq", "EUR", "unit"), {}, True),
        (leaf("in", key="unit", vals=["EUR", "USD"]), {"unit": "USD"}, True),
        (leaf("in", key="unit", vals=["EUR", "USD"]), {"unit": "GBP"}, False),
        (leaf("in", key="unit", vals=["EUR", "USD"]), {}, False),
        (leaf("in", key="unit", vals=["EUR", ""]), {}, True),
        (leaf("nin", key="unit", vals=["EUR", "USD"]), {"unit": "USD"}, False),
        (leaf("nin", key="unit", vals=["EUR", "USD"]), {"unit": "GBP"}, True),
        (leaf("nin", key="unit", vals=["EUR", "USD"]), {}, True),
        (leaf("ex"), {"price": ""}, True),
        (leaf("ex"), {}, False),
        (leaf("nex"), {"price": ""}, False),
        (leaf("nex"), {}, True),
        (leaf("ex", key=""), {"": "x"}, True),
        (leaf("sw", "EU", "unit"), {"unit": "EUR"}, True),
        (leaf("sw", "UR", "unit"), {"unit": "EUR"}, False),
        (leaf("sw", "EU", "unit"), {}, False),
        (leaf("ew", "UR", "unit"), {"unit": "EUR"}, True),
        (leaf("ew", "EU", "unit"), {"unit": "EUR"}, False),
        (leaf("ct", "U", "unit"), {"unit": "EUR"}, True),
        (leaf("ct", "X", "unit"), {"unit": "EUR"}, False),
        (leaf("gt", "9.5"), {"price": "10"}, True),
        (leaf("gt", "10"), {"price": "9"}, False),
        (leaf("gt", "10"), {"price": "10.0"}, False),
        (leaf("gte", "10"), {"price": "10.00"}, True),
        (leaf("gte", "10"), {"price": "9.99"}, False),
        (leaf("lt", "-1"), {"price": "-1.5"}, True),
        (leaf("lt", "0.3"), {"price": "0.30000000000000000001"}, False),
        (leaf("lte", "10"), {"price": "+10"}, True),
        (leaf("lte", "10"), {"price": "10.01"}, False),
        (CHEAP, {}, False),
        (CHEAP, {"price": "free"}, False),
        (CHEAP, {"price": "1e0"}, False),
        (CHEAP, {"price": "NaN"}, False),
        (CHEAP, {"price": "-Infinity"}, False),
        (CHEAP, {"price": " 1"}, False),
        (CHEAP, {"price": "١"}, False),
        (CHEAP, {"price": "0" * 100}, False),
        (leaf("lt", "much"), {"price": "1"}, False),
        (node("and", EUR, CHEAP), {"unit": "EUR", "price": "9"}, True),
        (node("and", EUR, CHEAP), {"unit": "EUR", "price": "11"}, False),
        (node("or", EUR, USD), {"unit": "USD"}, True),
        (node("or", EUR, USD), {"unit": "GBP"}, False),
        (node("not", EUR), {"unit": "USD"}, True),
        (node("not", EUR), {"unit": "EUR"}, False),
        (node("not", node("and", EUR, node("or", CHEAP, leaf("nex")))), {"unit": "EUR"}, False),
        (node("not", node("and", EUR, node("or", CHEAP, leaf("nex")))), {"unit": "EUR", "price": "11"}, True),
    ],
)
def test_it_matches(filter, tags, matches):
    assert read_filter(json.dumps(filter).encode()).matches(tags) is matches


def nested(depth):
    return EUR if depth == 1 else node("not", nested(depth - 1))


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"cmp":"eq","key":1,"val":"x"}',
        {"key": "unit", "val": "EUR"},
        leaf("like", "x"),
        leaf("eq"),
        leaf("eq", "x", key=""),
        leaf("eq", "x", vals=["y"]),
        leaf("in", key="unit"),
        leaf("in", "x", vals=["y"]),
        leaf("ex", "x"),
        leaf("nex", vals=["x"]),
        node("xor", EUR),
        node("and"),
        node("or"),
        node("not"),
        node("not", EUR, USD),
        node("and", leaf("eq")),
        nested(MAX_DEPTH + 1),
        node("or", *[{"key": "a", "cmp": "ex"}] * MAX_NODES),
        leaf("in", vals=["x"] * (MAX_VALUES + 1)),
        leaf("eq", "x" * MAX_BYTES),
        b'{"op":"not","nodes":[' * 180,
    ],
)
def test_what_is_no_filter_is_refused(wrong):
    with pytest.raises(BadRequest):
        read_filter(wrong if isinstance(wrong, bytes) else json.dumps(wrong).encode())


@pytest.mark.parametrize(
    "large",
    [
        nested(MAX_DEPTH),
        node("or", *[{"key": "a", "cmp": "ex"}] * (MAX_NODES - 1)),
        leaf("in", vals=["x"] * MAX_VALUES),
    ],
)
def test_a_filter_may_be_as_large_as_its_bounds(large):
    read_filter(json.dumps(large).encode()).matches({"price": "x"})


@pytest.mark.parametrize(
    ("filter", "count"), [(EUR, 1), (node("not", EUR), 2), (node("and", EUR, node("or", CHEAP, USD)), 5)]
)
def test_the_cost_of_a_filter_is_the_number_of_its_nodes(filter, count):
    assert read_filter(json.dumps(filter).encode()).comparisons == count


def test_filters_that_say_the_same_are_the_same():
    written = b'{ "val":"EUR", "cmp":"eq", "op":"", "vals":[], "more":1, "key":"unit" }'

    assert read_filter(written) == read_filter(json.dumps(EUR).encode())
    assert hash(read_filter(written)) == hash(read_filter(json.dumps(EUR).encode()))
    assert read_filter(written) != read_filter(json.dumps(USD).encode())


@given(st.recursive(st.binary(max_size=30), lambda inner: inner.map(lambda text: b'{"op":"and","nodes":[%b]}' % text)))
def test_nothing_else_comes_of_reading_one(text):
    with contextlib.suppress(BadRequest):
        read_filter(text)


@pytest.mark.parametrize(
    ("tags", "read"), [(b"", {}), (b'{"a": "b"}', {"a": "b"}), (b'{"a":1}', {}), (b"[", {}), (b'"a"', {})]
)
def test_tags_are_read_and_what_is_none_counts_as_none(tags, read):
    assert read_tags(tags) == read
