"""The tables of docs/javascript.md name what the client's declarations name, and nothing else."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
from docs.markdown import ROOT, table_under

PAGE = ROOT / "docs/javascript.md"
DECLARED = (files("trio_gateway.public") / "client.d.ts").read_text(encoding="utf-8")


def members(interface: str) -> list[str]:
    """List the properties and methods of an interface, in order."""
    (body,) = re.findall(
        rf"^(?:export )?interface {interface}\b[^{{]*\{{\n(.*?)^\}}", DECLARED, re.MULTILINE | re.DOTALL
    )
    return re.findall(r"^  (?:readonly )?(\w+)\??[:(]", body, re.MULTILINE)


def first_column(heading: str, *, number: int = 0) -> list[str]:
    return [row[0] for row in table_under(PAGE, heading, number=number)]


def test_the_options_are_those_of_connect():
    assert first_column("connect") == members("Options")


def test_the_events_are_those_of_a_gateway():
    assert sorted(first_column("What happens")) == sorted(members("ChannelEvents") + members("GatewayEvents"))


@pytest.mark.parametrize("event", ["Message", "Gap"])
def test_the_fields_are_those_of_what_is_received(event):
    (told,) = [row[1] for row in table_under(PAGE, "What happens") if row[0] == event.lower()]

    # The table has lost the ticks at its ends.
    assert sorted(re.findall(r"`(\w+)`", f"`{told}`")) == sorted(members(f"Received{event}"))


def test_the_states_are_those_that_there_are():
    (declared,) = re.findall(r"^export type State = (.*);$", DECLARED, re.MULTILINE)

    assert first_column("What happens", number=1) == re.findall(r'"(\w+)"', declared)


def test_the_methods_are_those_of_a_gateway():
    methods = [re.match(r"\w+", call)[0] for call in first_column("Asking")]

    assert methods == [name for name in members("Gateway") if name not in ("state", "position")]
