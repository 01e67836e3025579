"""What is due and what is done: a list in a file, and beside it the ids of what was published.

In an application of yours both are a table, and done is a column.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

BATCH = 100


class Notification(NamedTuple):
    """What a user is to be told; `id` is its own for ever."""

    id: str
    user: str
    title: str
    body: str


class Done:
    """Keep the ids of what was published, one a line; those that were there already are in `ids`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("a+b", buffering=0)
        self._file.seek(0)
        text = self._file.read()
        whole = text[: text.rfind(b"\n") + 1]
        if len(whole) < len(text):  # a power cut in the middle of a line
            self._file.truncate(len(whole))
        self.ids = set(whole.decode().split("\n"))

    def add(self, notifications: Iterable[Notification]) -> None:
        """Mark them as done, for good; raises OSError."""
        left = "".join(f"{each.id}\n" for each in notifications).encode()
        try:
            while left:  # a disk that is nearly full takes a part
                left = left[self._file.write(left) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self._path)) from None


def read_list(path: Path) -> list[Notification]:
    """Read the notifications; raises ValueError for a line that is none, or whose id was there before."""
    notifications: dict[str, Notification] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not line.strip():
            continue
        notification = _parse(line)
        if notification is None:
            raise ValueError(f"{path}:{number}: expected an object with the texts id, user, title and body")
        if notification.id in notifications:
            raise ValueError(f"{path}:{number}: the id {notification.id} was there before")
        notifications[notification.id] = notification
    return list(notifications.values())


def batches(notifications: Iterable[Notification]) -> Iterator[list[Notification]]:
    """Split the list; no user is twice in a batch, so each gets theirs in order, whatever fails."""
    batch: dict[str, Notification] = {}
    for notification in notifications:
        if len(batch) == BATCH or notification.user in batch:
            yield list(batch.values())
            batch = {}
        batch[notification.user] = notification
    if batch:
        yield list(batch.values())


def _parse(line: str) -> Notification | None:
    try:
        fields = json.loads(line)
        notification = Notification(*(fields[name] for name in Notification._fields))
    except (ValueError, KeyError, TypeError):
        return None
    is_whole = all(isinstance(field, str) for field in notification) and notification.id and notification.user
    return notification if is_whole else None
