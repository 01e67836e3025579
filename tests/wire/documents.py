"""JSON documents for property tests, each with one that was made of it by a few edits, as publications follow each other."""

from __future__ import annotations

import msgspec
from hypothesis import strategies as st

LEAVES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=40)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=25,
)


@st.composite
def edited_documents(draw) -> tuple[bytes, bytes]:
    """Give a document and the next one, as JSON text in UTF-8."""
    fields = draw(st.dictionaries(st.text(max_size=10), JSON, max_size=12))
    edited = dict(fields)
    for name in draw(st.lists(st.sampled_from(sorted(fields)), max_size=3)) if fields else ():
        edited[name] = draw(JSON)
    for name in draw(st.lists(st.text(max_size=10), max_size=2)):
        edited.pop(name, None)
        edited = {name: draw(JSON), **edited} if draw(st.booleans()) else {**edited, name: draw(JSON)}
    return msgspec.json.encode(fields), msgspec.json.encode(edited)
