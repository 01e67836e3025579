"""The drawings and tables of docs/design.md show what the code does."""

from __future__ import annotations

import re

import pytest
from docs.markdown import ROOT, blocks, table_under

from trio_gateway import supervisor
from trio_gateway.model.position import Position
from trio_gateway.model.publication import Publication
from trio_gateway.model.recovery import Stored, recover

PAGE = ROOT / "docs" / "design.md"


def publications(text: str) -> tuple[Publication, ...]:
    return tuple(Publication(offset, offset - 1, b"0", 0) for offset in map(int, re.findall(r"\d+", text)))


def gap_text(gap) -> str:
    if gap is None:
        return "none"
    return "no bounds" if gap.first is None else f"{gap.first} to {gap.last}"


@pytest.mark.parametrize("row", table_under(PAGE, "Positions and recovery"), ids=lambda row: f"{row[0]} {row[2]}")
def test_recovery_does_what_the_table_says(row):
    client, store, kept, gap, gets, then = row
    epoch, top = re.fullmatch(r"(\w+)`, (\d+)", store).groups()
    position = Position.parse_since(client)
    recovered = recover(
        position, Stored(epoch, int(top), tuple(p for p in publications(kept) if kept_after(p, position, epoch)))
    )

    assert gap_text(recovered.gap) == gap
    assert tuple(recovered.publications) == publications(gets)
    assert str(recovered.cursor) == then


def kept_after(publication: Publication, position: Position, epoch: str) -> bool:
    """Tell whether a read answers it: after the client's offset, or after 0 where its epoch is another."""
    return publication.offset > (position.offset if position.epoch == epoch else 0)


def test_the_tree_is_that_of_the_supervisor():
    tree = next(text for _, text in blocks(PAGE) if text.startswith("supervisor nursery"))

    assert tree.strip() in supervisor.__doc__


def test_the_decisions_are_numbered_through():
    decisions = PAGE.read_text().partition("\n## Decisions\n")[2].partition("\n## ")[0]
    numbers = [int(number) for number in re.findall(r"^(\d+)\. ", decisions, re.MULTILINE)]

    assert numbers == list(range(1, len(numbers) + 1))
