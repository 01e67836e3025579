"""The recovery formula, as a table of cases and as a property over arbitrary histories."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_gateway.model.position import START, Position
from trio_gateway.model.publication import Gap, Publication
from trio_gateway.model.recovery import Stored, recover


def publications(*offsets, prev):
    """Make publications that continue each other; `prev` is the offset before the first."""
    made = []
    for offset in offsets:
        made.append(Publication(offset, prev, b"1", 0))
        prev = offset
    return made


E, OTHER = "e", "other"
JUMP = 1_700_000_000_000_000

CASES = {
    "caught up: nothing": (Position(E, 5), Stored(E, 5, []), None, [], 5),
    "behind: what came after": (Position(E, 3), Stored(E, 5, publications(4, 5, prev=3)), None, [4, 5], 5),
    "offsets jump: a jump is no loss": (
        Position(E, 3),
        Stored(E, JUMP, publications(JUMP, prev=3)),
        None,
        [JUMP],
        JUMP,
    ),
    "within a jump: continuous": (Position(E, 4), Stored(E, JUMP, publications(JUMP, prev=3)), None, [JUMP], JUMP),
    "trimmed: a gap up to the first kept": (
        Position(E, 1),
        Stored(E, 6, publications(5, 6, prev=4)),
        (2, 4),
        [5, 6],
        6,
    ),
    "expired: a gap up to the top": (Position(E, 1), Stored(E, 6, []), (2, 6), [], 6),
    "the store lost its tail: from its top, no gap": (Position(E, 9), Stored(E, 5, []), None, [], 5),
    "another epoch: a gap without bounds, then all": (
        Position(OTHER, 3),
        Stored(E, 6, publications(5, 6, prev=4)),
        (None, None),
        [5, 6],
        6,
    ),
    "another epoch, nothing kept": (Position(OTHER, 3), Stored(E, 6, []), (None, None), [], 6),
    "everything kept: never a gap": (START, Stored(E, 6, publications(5, 6, prev=4)), None, [5, 6], 6),
    "everything of an empty channel": (START, Stored(E, 0, []), None, [], 0),
}


@pytest.mark.parametrize(("position", "stored", "gap", "offsets", "cursor"), CASES.values(), ids=CASES.keys())
def test_case(position, stored, gap, offsets, cursor):
    recovered = recover(position, stored)

    assert (recovered.gap and (recovered.gap.first, recovered.gap.last)) == gap
    assert [publication.offset for publication in recovered.publications] == offsets
    assert recovered.cursor == Position(E, cursor)


@st.composite
def histories(draw):
    """Make the whole history of a channel, how much of it is kept, and where a client stands in it."""
    offsets = sorted(draw(st.sets(st.integers(1, 40), min_size=1)))
    everything = publications(*offsets, prev=0)
    kept = everything[draw(st.integers(0, len(everything))) :]
    return everything, kept, draw(st.integers(0, 45)), draw(st.integers(1, 5))


@given(histories())
def test_page_by_page_everything_is_delivered_in_order_or_announced(history):
    everything, kept, offset, page = history
    cursor, top = Position(E, offset), everything[-1].offset
    delivered, missing = [], []
    for _ in range(100):
        after = [publication for publication in kept if publication.offset > cursor.offset][:page]
        recovered = recover(cursor, Stored(E, top, after))
        if recovered.gap:
            missing.append(recovered.gap)
        delivered += [publication.offset for publication in recovered.publications]
        if recovered.cursor == cursor:
            break
        cursor = recovered.cursor

    expected = [publication.offset for publication in everything if publication.offset > offset]
    announced = [o for o in expected if any(gap.first <= o <= gap.last for gap in missing)]
    assert delivered == sorted(set(delivered))
    assert sorted([*delivered, *announced]) == expected
    assert cursor.offset == top


def test_a_gap_ends_where_delivery_goes_on():
    recovered = recover(Position(E, 1), Stored(E, 6, publications(5, 6, prev=4)))

    assert recovered.gap == Gap(2, 4, E, 4)
    assert attrs.astuple(recovered.cursor) == (E, 6)
