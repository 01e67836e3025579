"""Who has ever logged in to the chat: names, and what is kept of them."""

from __future__ import annotations

import pytest

from examples.chat import people as module
from examples.chat.people import BadName, People, Person, TooManyPeople, tidy


def test_people_are_kept(tmp_path, people):
    people.log_in("Ada")
    people.log_in("Bob")

    assert list(People(tmp_path / "people.sqlite3")) == [Person("1", "Ada"), Person("2", "Bob")]


@pytest.mark.parametrize("again", ["ada lovelace", "  Ada   Lovelace ", "ADA LOVELACE", "Ada Lovelace"])
def test_names_that_look_alike_are_one_persons(people, again):
    assert people.log_in("Ada Lovelace") == people.log_in(again)


@pytest.mark.parametrize("name", ["Zoë", "李小龙", "O'Neil", "x" * 24])
def test_people_are_called_many_things(name):
    assert tidy(name) == name


@pytest.mark.parametrize(
    "name", ["", "   ", "x" * 25, "a\u202eb", "a\u200bb", "a\x00b", "\ud800", "\u2800", "\u3164", "a\ufe0fb"]
)
def test_and_nobody_is_called_these(name):
    with pytest.raises(BadName):
        tidy(name)


def test_where_it_is_full_those_who_are_known_still_come_in(people, monkeypatch):
    monkeypatch.setattr(module, "MAX_PEOPLE", 1)
    ada = people.log_in("Ada")

    with pytest.raises(TooManyPeople, match="1 people"):
        people.log_in("Bob")
    assert people.log_in("ada") == ada
