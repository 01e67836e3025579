"""Publish notifications until each was answered: with its own id, one may be published any number of times."""

from __future__ import annotations

import random

import trio
from notifications import Done, Notification
from progress import Progress, say

from trio_gateway import AsyncPublisher, errors

FIRST_WAIT, LONGEST_WAIT = 0.5, 10.0


async def publish(publisher: AsyncPublisher, notification: Notification) -> None:
    """Publish one into its user's inbox."""
    data = {"title": notification.title, "body": notification.body}
    await publisher.send_to_user(notification.user, data, id=notification.id)


class Batch:
    """Publish all of a batch at once, on one connection, and those that nobody answered again."""

    def __init__(self, publisher: AsyncPublisher, done: Done, progress: Progress) -> None:
        self._publisher = publisher
        self._done = done
        self._progress = progress
        self._published: list[Notification] = []
        self._unanswered: list[Notification] = []
        self._reason = ""

    async def publish(self, batch: list[Notification], patience: float) -> None:
        """Return when each was answered; raises BrokerUnavailable after so many seconds without."""
        deadline, wait = trio.current_time() + patience, FIRST_WAIT
        while batch := await self._attempt(batch):
            if trio.current_time() >= deadline:
                raise errors.BrokerUnavailable(f"gave up after {patience:g} s: {self._reason}")
            say(f"trying again: {self._reason}")
            await trio.sleep(random.uniform(0, wait))
            wait = min(2 * wait, LONGEST_WAIT)

    async def _attempt(self, batch: list[Notification]) -> list[Notification]:
        """Publish a batch once; gives those that nobody answered."""
        self._published, self._unanswered = [], []
        async with trio.open_nursery() as nursery:
            for notification in batch:
                nursery.start_soon(self._publish, notification)
        self._done.add(self._published)
        self._progress.add(len(self._published))
        return self._unanswered

    async def _publish(self, notification: Notification) -> None:
        try:
            await publish(self._publisher, notification)
            self._published.append(notification)
        except errors.BrokerUnavailable as error:  # nobody knows whether it was published
            self._unanswered.append(notification)
            self._reason = str(error)
        except errors.RequestError as error:  # it will never be
            self._progress.refuse(notification.id, str(error))
