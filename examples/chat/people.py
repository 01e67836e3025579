"""Who has ever logged in: a table in SQLite, read once into memory.

A demo has no passwords: whoever gives a name is that person. Names that differ in case or in spaces
alone are one person's.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import attrs

MAX_NAME = 24
MAX_PEOPLE = 200
"""Each message in a room goes into so many inboxes, and anybody can make up names."""

UNSEEN = re.compile(
    r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""What Python calls printable, and no font shows: U+2800, and Unicode's property Default_Ignorable_Code_Point."""


@attrs.frozen
class Person:
    """Somebody who logged in; the id is the gateway's user."""

    id: str
    name: str


class BadName(Exception):
    """Nobody can be called that."""


class TooManyPeople(Exception):
    """The table is full."""


class People:
    """Hold the people of one chat."""

    def __init__(self, path: Path) -> None:
        # Two threads may log somebody in; SQLite itself orders them.
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS people (id INTEGER PRIMARY KEY, key TEXT UNIQUE NOT NULL, name TEXT NOT NULL)"
        )
        rows = self._database.execute("SELECT id, name FROM people ORDER BY id")
        self._people = {str(id): Person(str(id), name) for id, name in rows}

    def __iter__(self) -> Iterator[Person]:
        return iter(self._people.values())

    @property
    def ids(self) -> list[str]:
        """List the ids of all."""
        return list(self._people)

    def find(self, id: str) -> Person | None:
        """Find somebody by their id."""
        return self._people.get(id)

    def log_in(self, name: str) -> Person:
        """Find somebody by their name, or take them in; raises BadName and TooManyPeople.

        It writes to the disk, so call it in a thread.
        """
        name = tidy(name)
        key = name.casefold()
        if len(self._people) < MAX_PEOPLE:
            self._database.execute("INSERT OR IGNORE INTO people (key, name) VALUES (?, ?)", (key, name))
        row = self._database.execute("SELECT id, name FROM people WHERE key = ?", (key,)).fetchone()
        if row is None:
            raise TooManyPeople(f"this chat has {MAX_PEOPLE} people, which is all it takes")
        person = Person(str(row[0]), row[1])
        self._people[person.id] = person
        return person

    def close(self) -> None:
        """Close the database."""
        self._database.close()


def tidy(name: str) -> str:
    """Write a name as everybody sees it; raises BadName."""
    name = " ".join(unicodedata.normalize("NFKC", name).split())
    if not name:
        raise BadName("a name is needed")
    if len(name) > MAX_NAME:
        raise BadName(f"a name has at most {MAX_NAME} characters")
    if not name.isprintable() or UNSEEN.search(name):  # the former excludes what turns the direction of text
        raise BadName("a name consists of characters that can be seen")
    return name
