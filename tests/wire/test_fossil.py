"""A delta makes exactly the target, is shorter than it, cuts no character, and takes a bounded time to find."""

from __future__ import annotations

import random
from time import process_time

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from wire.documents import edited_documents
from wire.fossil_decoder import apply_delta

from trio_gateway.wire import fossil
from trio_gateway.wire.fossil import MAX_BYTES, create_delta

READINGS = [{"id": n, "name": f"sensor {n}", "value": n * 1.25, "unit": "mV", "ok": True} for n in range(32)]
TWO_KB = msgspec.json.encode({"sequence": 4711, "readings": READINGS, "time": 1_700_000_000})


def check(source: bytes, target: bytes) -> bytes:
    """Take a delta apart, and give it; what is not shorter was left."""
    delta = create_delta(source, target)
    if delta is None:
        return target
    assert apply_delta(source, delta) == target
    assert len(delta) < len(target)
    delta.decode()
    return delta


@given(edited_documents())
@example((b"", b""))
@example((b"1", b""))
@example((b"", b"1"))
def test_it_makes_the_target_of_the_source(documents):
    check(*documents)


@given(st.text(), st.text())
def test_it_does_so_with_any_two_texts(source, target):
    check(source.encode(), target.encode())


@given(st.lists(st.sampled_from(["привет", "жизнь", "€", "🂡🂢", "a"]), max_size=60), st.data())
def test_no_character_is_cut(words, data):
    changed = list(words)
    for _ in range(data.draw(st.integers(1, 3))):
        changed.insert(data.draw(st.integers(0, len(changed))), data.draw(st.sampled_from(["привёт", "£", "🂣"])))
    check(" ".join(words).encode(), " ".join(changed).encode())


def test_letters_that_share_a_byte_are_no_reason_to_send_everything():
    """The two letters begin with the same byte, and that would be cut off with what is alike before them."""
    source, target = ("привет, " * 20 + letter + " и до свидания" * 20 for letter in "жз")

    assert len(check(source.encode(), target.encode())) < 40


def test_two_kilobytes_with_one_field_changed_are_a_few_bytes():
    target = TWO_KB.replace(b'"value":17.5,', b'"value":18.75,')

    assert len(TWO_KB) > 1900
    assert len(check(TWO_KB, target)) < len(target) / 50


def test_what_is_alike_between_several_changes_is_found():
    target = (
        TWO_KB.replace(b"4711", b"4712").replace(b'"value":17.5,', b'"value":18.75,').replace(b"1700000", b"17000001")
    )

    assert len(check(TWO_KB, target)) < len(target) / 20


def test_what_has_moved_is_found():
    moved = msgspec.json.encode({"sequence": 4711, "readings": READINGS[16:] + READINGS[:16], "time": 1_700_000_000})

    assert len(check(TWO_KB, moved)) < len(moved) / 10


def test_records_that_are_alike_are_found_in_their_order():
    changed = [{**reading, "value": reading["value"] + 1000} for reading in READINGS]
    target = msgspec.json.encode({"sequence": 4712, "readings": changed, "time": 1_700_000_001})

    assert len(check(TWO_KB, target)) < len(target) / 2


def test_the_same_again_is_one_copy():
    assert create_delta(TWO_KB, TWO_KB).count(b"@") == 1


@pytest.mark.parametrize(("source", "target"), [(b"", b"{}"), (b"[1]", b"[2]"), (b"a" * 100, b"b" * 100), (b"1", b"")])
def test_what_would_not_be_shorter_is_no_delta(source, target):
    assert create_delta(source, target) is None


@pytest.mark.parametrize("sizes", [(MAX_BYTES, MAX_BYTES + 1), (MAX_BYTES + 1, MAX_BYTES)])
def test_what_is_too_large_is_no_delta(sizes):
    assert create_delta(*(bytes(size) for size in sizes)) is None
    assert create_delta(bytes(MAX_BYTES), bytes(MAX_BYTES)) is not None


def shuffled(text: bytes, size: int) -> bytes:
    parts = [text[place : place + size] for place in range(0, len(text), size)]
    random.Random(1).shuffle(parts)
    return b"".join(parts)


NOISE = random.Random(2).randbytes(MAX_BYTES // 2).hex().encode()
HOSTILE = {
    "nothing alike": (NOISE, NOISE[::-1]),
    "all in another order": (NOISE, shuffled(NOISE, 33)),
    "one letter": (b"a" * (MAX_BYTES - 1) + b"b", b"b" + b"a" * (MAX_BYTES - 1)),
    "nearly periodic": (b"aaaaaaaaaaaaaaab" * (MAX_BYTES // 16), b"aaaaaaaaaaaaaaaac" * (MAX_BYTES // 17)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_data_takes_long(name):
    """It takes up to 5 ms on a slow machine."""
    source, target = HOSTILE[name]
    check(source, target)
    times = []
    for _ in range(3):
        begin = process_time()
        create_delta(source, target)
        times.append(process_time() - begin)

    assert min(times) < 0.05


def test_when_its_steps_are_over_the_rest_is_written_out(monkeypatch):
    monkeypatch.setattr(fossil, "STEPS", 20)
    target = (
        TWO_KB.replace(b"4711", b"4712").replace(b'"value":17.5,', b'"value":18.75,').replace(b"1700000", b"17000001")
    )
    bounded = check(TWO_KB, target)
    monkeypatch.undo()

    assert len(check(TWO_KB, target)) < len(bounded)
