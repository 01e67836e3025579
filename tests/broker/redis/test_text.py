"""What the functions, and the memory broker, take for JSON: never more than Python's strict reader does."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from redis import exceptions

from tests.broker.redis.functions import Functions
from trio_gateway.broker.checks import check_json, check_tags
from trio_gateway.broker.redis.entries import parse_entries
from trio_gateway.model.errors import InvalidData

JSON_SIGNS = [
    *list('[]{}",:.+-eE01 9\\/untrfalse\n\t\x00\x1f\x7f\x0b'),
    "\\u",
    "\\ud800",
    "\\udc00",
    "é",
    "€",
    "😀",
    "\ufeff",
]
words = st.text(max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=4,
)
texts = values.map(json.dumps) | values.map(lambda value: json.dumps(value, ensure_ascii=False, indent=1))
LONE_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]", re.ASCII)


def loads(data: bytes) -> object:
    """Read strict JSON as Python does; raises ValueError."""

    def refuse(constant):
        raise ValueError(constant)

    return json.loads(data.decode("utf-8"), parse_constant=refuse)


def is_json(data: bytes) -> bool:
    try:
        loads(data)
    except (ValueError, RecursionError):
        return False
    return True


@st.composite
def damaged(draw):
    """Take a JSON text and change one place of it."""
    data = bytearray(draw(texts).encode("utf-8", "replace"))
    place = draw(st.integers(0, len(data)))
    data[place : place + draw(st.integers(0, 2))] = draw(st.sampled_from(JSON_SIGNS)).encode()
    return bytes(data)


anything = (
    damaged()
    | st.binary(max_size=20)
    | st.lists(st.sampled_from(JSON_SIGNS), max_size=8).map(lambda signs: "".join(signs).encode())
    | texts.map(lambda text: text.encode("utf-8", "replace"))
)


@pytest.fixture(scope="session")
def accepts(client):
    functions = Functions(client, "text").load()

    def accepts(data: bytes) -> bool:
        try:
            functions.publish("$:nothing is kept here", data)
        except exceptions.ResponseError as error:
            if not str(error).startswith("TGDATA"):
                raise
            return False
        return True

    return accepts


@given(anything)
@settings(max_examples=300)
@example(b"1.")
@example(b"[1.]")
@example(b'{"a":1.e5}')
@example(b"-.5")
@example(b"[-.5e1]")
@example(b"01")
@example(b"-01")
@example(b"+1")
@example(b"0x10")
@example(b"Infinity")
@example(b"-nan")
@example(b'"\x01"')
@example(b'"a\\"\n"')
@example(b'"\\\\\x02"')
@example(b'"\xc0\x80"')
@example(b'"\xed\xa0\x80"')
@example(b'"\xf4\x90\x80\x80"')
@example(b"\xef\xbb\xbf1")
@example(b"1\x00")
@example(b"\x0b1")
@example(b"[1]x")
def test_what_the_function_takes_is_json(accepts, data):
    assert is_json(data) or not accepts(data)


@pytest.fixture(scope="session")
def kept(client):
    """Publish with info and tags; give what is read then, None where they were refused."""
    functions = Functions(client, "text").load()
    keys = (functions.keys.meta("news"), functions.keys.stream("news"))

    def kept(info: bytes, tags: bytes):
        try:
            _epoch, offset = client.fcall("tg1_publish", 2, *keys, "1", "", "", info, tags)
        except exceptions.ResponseError as error:
            if not str(error).startswith("TGDATA"):
                raise
            return None
        (publication,) = parse_entries(client.fcall("tg1_read", 2, *keys, offset - 1, 1, 2**20)[2])
        return publication

    return kept


objects = st.dictionaries(words, values, max_size=3)
object_texts = objects.map(json.dumps) | objects.map(lambda value: json.dumps(value, ensure_ascii=False, indent=1))


@given(anything | object_texts.map(str.encode), anything | object_texts.map(str.encode))
@settings(max_examples=300)
@example(b'{"a":1.}', b"")
@example(b"{}]\n1", b"")
@example(b'{\n"a":\n"]"}\n', b'\n{"a":\n"}"}')
@example(b"null", b"")
@example(b"", b"[]")
@example(b"", b'{"a":{}}')
def test_info_and_tags_that_the_function_takes_are_objects_and_are_read_as_such(kept, info, tags):
    publication = kept(info, tags)
    if publication is None:
        return

    assert publication.data == b"1"
    assert publication.info if info else not publication.info
    for given_text, read in ((info, publication.info), (tags, publication.tags)):
        if given_text:
            assert loads(read) == loads(given_text)
            assert isinstance(loads(read), dict)
    assert not tags or all(isinstance(value, str) for value in loads(tags).values())


@given(object_texts.map(lambda text: text.encode("utf-8", "replace")))
@settings(max_examples=200)
def test_both_brokers_take_the_same_tags_but_for_escapes_of_lone_surrogates(kept, tags):
    try:
        check_tags(tags)
    except InvalidData:
        taken = False
    else:
        taken = True
    assert (kept(b"", tags) is not None) == taken or LONE_SURROGATE.search(tags.decode())


@given(anything)
@settings(max_examples=300)
def test_what_the_memory_broker_takes_is_json(data):
    try:
        check_json(data)
    except InvalidData:
        return
    assert is_json(data)


@given(texts.map(lambda text: text.encode("utf-8", "replace")))
@settings(max_examples=100)
def test_json_is_taken_but_for_escapes_of_lone_surrogates(accepts, data):
    assert accepts(data) or LONE_SURROGATE.search(data.decode())


@given(texts.map(lambda text: text.encode("utf-8", "replace")))
@settings(max_examples=100)
def test_the_memory_broker_takes_json_but_for_escapes_of_lone_surrogates(data):
    try:
        check_json(data)
    except InvalidData:
        assert LONE_SURROGATE.search(data.decode())


@pytest.mark.parametrize("data", [b'"\\ud800"', b'"\\udc00x"', b'"\\ud800\\u0041"'])
def test_an_escape_of_a_lone_surrogate_is_refused_since_it_is_no_text(accepts, data):
    assert not accepts(data)
    with pytest.raises(InvalidData):
        check_json(data)


def test_a_pair_of_surrogate_escapes_is_text(accepts):
    assert accepts(b'"\\ud83d\\ude00"')
    check_json(b'"\\ud83d\\ude00"')


@pytest.mark.parametrize(("depth", "taken"), [(900, True), (1001, False)])
def test_nesting_is_bounded(accepts, depth, taken):
    assert accepts(b"[" * depth + b"]" * depth) == taken


@pytest.mark.parametrize("data", [b"1e400", b"-1E+99999", b"9" * 400])
def test_a_number_past_a_floats_range_is_json_all_the_same(accepts, data):
    assert accepts(data)
    check_json(data)


@pytest.mark.parametrize("text", ["a.", "-.5", ".5", "1. b", "a\\n. 5.", "tab\\t1.\\u0041", "…", 'say \\"1.\\"'])
def test_dots_in_strings_are_no_numbers(accepts, text):
    assert accepts(f'{{"a": "{text}", "b":\n1.5}}'.encode())
