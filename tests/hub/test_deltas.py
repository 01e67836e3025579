"""Patches are made once and kept within bounds; data that is no text is never the base of one."""

from __future__ import annotations

import msgspec
import pytest
from wire.fossil_decoder import apply_delta

from trio_gateway.hub import deltas as deltas_module
from trio_gateway.hub.deltas import Deltas
from trio_gateway.hub.tail import TailBudget
from trio_gateway.model.publication import Publication
from trio_gateway.wire.fossil import MAX_BYTES, create_delta

TEXT = "привет, мир! " * 20


def publication(offset, text=None):
    data = msgspec.json.encode(f"{TEXT}{offset}") if text is None else text
    return Publication(offset, offset - 1, data, 5, "7", "id", b'{"user":"7"}', b'{"a":"b"}')


@pytest.fixture
def budget():
    return TailBudget(100_000)


@pytest.fixture
def deltas(budget):
    return Deltas(budget)


@pytest.fixture
def made(monkeypatch):
    made = []
    monkeypatch.setattr(deltas_module, "create_delta", lambda *both: made.append(both) or create_delta(*both))
    return made


def test_data_is_a_string_and_everything_else_stays(deltas):
    one, two = publication(1), publication(2)
    whole, patch = deltas.whole(one), deltas.patch(one, two)

    assert msgspec.json.decode(whole.data).encode() == one.data
    assert apply_delta(one.data, msgspec.json.decode(patch.data).encode()) == two.data
    assert (whole.patch, patch.patch) == (False, True)
    assert msgspec.structs.replace(patch, data=two.data, patch=False) == two


def test_a_chain_begins_with_all_of_the_data(deltas):
    chain = list(deltas.chain([publication(1), publication(2), publication(3, b"[]"), publication(4)]))

    assert [one.patch for one in chain] == [False, True, False, False]
    assert list(deltas.chain([])) == []


def test_a_patch_is_made_once(deltas, made):
    for _ in range(3):
        list(deltas.chain([publication(1), publication(2), publication(3, b"[]")]))

    assert len(made) == 2


def test_a_patch_of_something_else_is_made_anew(deltas, made):
    assert deltas.patch(publication(1), publication(3)) is not None
    assert deltas.patch(publication(2), publication(3)) is not None
    assert len(made) == 2


def test_they_are_bounded_in_number(deltas, budget):
    budget.limit = 10_000_000
    for offset in range(1, Deltas.MAX_COUNT + 50):
        deltas.patch(publication(offset), publication(offset + 1))

    assert len(deltas._kept) == Deltas.MAX_COUNT


def test_they_are_bounded_in_bytes(deltas, budget):
    budget.limit = 10_000_000
    for offset in range(1, 50):
        text = f"{offset:04}".encode() * 5000
        deltas.patch(publication(offset, text), publication(offset + 1, text + TEXT.encode() + b"x" * 20_000))

    assert 0 < budget.used <= Deltas.MAX_BYTES


def test_they_count_as_what_tails_hold_and_give_way_where_the_node_is_full(deltas, budget):
    deltas.patch(publication(1), publication(2))
    assert budget.used > 0
    budget.used += budget.limit
    deltas.patch(publication(2), publication(3))

    assert not deltas._kept
    assert budget.used == budget.limit


def test_all_is_given_back(deltas, budget):
    deltas.learn(publication(1))
    deltas.patch(publication(1), publication(2))
    deltas.clear()

    assert budget.used == 0
    assert deltas.last is None


def test_the_last_publication_counts_as_well(deltas, budget):
    deltas.follow(publication(1))
    assert budget.used == len(publication(1).data)
    deltas.follow(publication(2, b"[]"))
    assert budget.used == 2
    deltas.follow(None)

    assert (budget.used, deltas.last) == (0, None)


def test_what_deltas_are_not_made_of_is_not_kept(deltas, budget):
    deltas.follow(publication(1, b"1" * (MAX_BYTES + 1)))
    assert deltas.last is None
    budget.used += budget.limit + 1
    deltas.follow(publication(1))

    assert deltas.last is None


def test_what_was_learned_later_is_older_news(deltas):
    deltas.follow(publication(5))
    deltas.learn(publication(4))

    assert deltas.last.offset == 5


BROKEN = b'"' + TEXT.encode() + b'\xff"'


@pytest.mark.parametrize(
    ("base", "target"), [(BROKEN, publication(1).data), (publication(1).data, BROKEN), (BROKEN, BROKEN + b" ")]
)
def test_what_is_no_text_is_sent_whole(deltas, base, target):
    """Only somebody who writes into the store by hand can do that; the rest of it is shown."""
    assert deltas.patch(publication(1, base), publication(2, target)) is None
    assert TEXT in msgspec.json.decode(deltas.whole(publication(1, BROKEN)).data)
