"""A tags filter says which publications a subscription wants, by their tags; it is a tree of comparisons (protocol §10.2).

It is checked once, when it is read, and bounded, so that to match a publication with it costs at most some
twenty sends; how much it costs is known beforehand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Literal, TypeAlias

import attrs
import msgspec
from msgspec import Meta, Raw, Struct

from trio_gateway.model.errors import BadRequest

MAX_BYTES = 4096
"""Of a filter's JSON text."""

MAX_DEPTH = 8
"""Nodes on the longest way from the root to a leaf."""

MAX_NODES = 64
MAX_VALUES = 64
"""Of one comparison."""

MAX_DIGITS = 64
"""Characters of a number; a longer one is none."""

Tags: TypeAlias = Mapping[str, str]
_Match = Callable[[Tags], bool]
_Test = Callable[[str, str], bool]
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


class _Node(Struct, omit_defaults=True):
    op: Literal["", "and", "or", "not"] = ""
    key: str = ""
    cmp: Literal["", "eq", "neq", "in", "nin", "ex", "nex", "sw", "ew", "ct", "gt", "gte", "lt", "lte"] = ""
    val: str = ""
    vals: Annotated[list[str], Meta(max_length=MAX_VALUES)] = []
    nodes: list[_Node] = []


@attrs.frozen
class TagsFilter:
    """Tell the publications that a subscription wants from the others.

    `text` is the filter in one form, whichever way it was written: filters that say the same in the same order are
    equal. `matches` decides about the tags of one publication, in at most `comparisons` steps (the filter's nodes).
    """

    text: bytes
    comparisons: int = attrs.field(eq=False)
    matches: _Match = attrs.field(eq=False, repr=False)


_nodes: msgspec.json.Decoder[_Node] = msgspec.json.Decoder(_Node)
_tags: msgspec.json.Decoder[dict[str, str]] = msgspec.json.Decoder(dict[str, str])


def read_filter(text: bytes | Raw) -> TagsFilter:
    """Read a filter's JSON text; raises BadRequest where it is none, or too large."""
    if len(bytes(text)) > MAX_BYTES:
        raise BadRequest(f"a tags filter has at most {MAX_BYTES} bytes")
    try:
        node = _nodes.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRequest(f"the tags filter can't be read: {error}") from None
    comparisons = _count(node, MAX_DEPTH)
    if comparisons > MAX_NODES:
        raise BadRequest(f"a tags filter has at most {MAX_NODES} nodes")
    return TagsFilter(msgspec.json.encode(node), comparisons, _match(node))


def read_tags(tags: bytes) -> Tags:
    """Read a publication's tags, a JSON object of strings or empty; what somebody wrote otherwise by hand counts as none."""
    if not tags:
        return {}
    try:
        return _tags.decode(tags)
    except msgspec.DecodeError:
        return {}


def _count(node: _Node, depth: int) -> int:
    if not depth:
        raise BadRequest(f"a tags filter is nested at most {MAX_DEPTH} deep")
    return 1 + sum(_count(inner, depth - 1) for inner in node.nodes)


def _match(node: _Node) -> _Match:
    if not node.op:
        return _comparison(node)
    inner = [_match(each) for each in node.nodes]
    if not inner or (node.op == "not" and len(inner) != 1):
        raise BadRequest(f"{node.op!r} in a tags filter has {'one node' if node.op == 'not' else 'nodes'}")
    if node.op == "not":
        negated = inner[0]
        return lambda tags: not negated(tags)
    if node.op == "and":
        return lambda tags: all(match(tags) for match in inner)
    return lambda tags: any(match(tags) for match in inner)


def _comparison(node: _Node) -> _Match:
    _check(node)
    key, cmp, val = node.key, node.cmp, node.val
    if cmp in _PRESENCE:
        wanted = _PRESENCE[cmp]
        return lambda tags: (key in tags) is wanted
    if cmp in _MEMBERSHIP:
        values, wanted = frozenset(node.vals), _MEMBERSHIP[cmp]
        return lambda tags: (tags.get(key, "") in values) is wanted  # a missing tag counts as empty here
    if cmp == "neq":
        return lambda tags: tags.get(key) != val
    if cmp in _TEXT:
        test = _TEXT[cmp]
        return lambda tags: (tag := tags.get(key)) is not None and test(tag, val)
    return _numeric(key, _NUMERIC[cmp], val)


def _numeric(key: str, test: Callable[[Decimal, Decimal], bool], val: str) -> _Match:
    bound = _number(val)

    def match(tags: Tags) -> bool:
        number = None if bound is None else _number(tags.get(key, ""))
        return number is not None and bound is not None and test(number, bound)

    return match


def _number(text: str) -> Decimal | None:
    """Read a decimal number without an exponent; None where it is none."""
    return Decimal(text) if len(text) <= MAX_DIGITS and _NUMBER.fullmatch(text) else None


def _check(node: _Node) -> None:
    if not node.cmp:
        raise BadRequest("a comparison in a tags filter has a `cmp`")
    wants_val = node.cmp not in _PRESENCE and node.cmp not in _MEMBERSHIP
    if bool(node.val) is not wants_val or bool(node.vals) is not (node.cmp in _MEMBERSHIP):
        raise BadRequest(f"{node.cmp!r} in a tags filter has a `val`, `vals` or neither, as it needs")
    if not node.key and node.cmp not in _PRESENCE:
        raise BadRequest("a comparison in a tags filter has a `key`")


_PRESENCE: dict[str, bool] = {"ex": True, "nex": False}
_MEMBERSHIP: dict[str, bool] = {"in": True, "nin": False}
_TEXT: dict[str, _Test] = {
    "eq": str.__eq__,
    "sw": str.startswith,
    "ew": str.endswith,
    "ct": str.__contains__,
}
_NUMERIC: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "gt": Decimal.__gt__,
    "gte": Decimal.__ge__,
    "lt": Decimal.__lt__,
    "lte": Decimal.__le__,
}
