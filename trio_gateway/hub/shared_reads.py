"""The store is read once for all clients of a channel that miss the same: one read at a time, and who comes meanwhile waits.

An answer is one that the store gave, or would have given, to the same question a moment ago. The topic
itself, which must know what is new, does not read here.
"""

from __future__ import annotations

import copy

import attrs
import trio

from trio_gateway.broker.broker import Broker
from trio_gateway.hub.newest_reads import NewestReads
from trio_gateway.hub.topic import Topic
from trio_gateway.hub.windows import Window, Windows
from trio_gateway.model.errors import BrokerUnavailable, RequestError
from trio_gateway.model.recovery import Stored

REACH = 256
"""Once two ask within a moment, a read begins so far before the offset asked for and goes so far behind it: clients that
were cut off together stand that close, and so does a page's next one."""


@attrs.define(eq=False)
class _Question:
    """Hold what one reader asks, and what became of it; `asked` says that the store was asked for it before."""

    after: int
    limit: int
    asked: bool = False
    answer: Stored | None = None
    error: Exception | None = None


@attrs.define(eq=False)
class _Line:
    """Hold who waits for a topic; `finished` is there while one of them reads."""

    questions: dict[_Question, None] = attrs.field(factory=dict)
    finished: trio.Event | None = None


class SharedReads:
    """Read the store for clients; `newest` reads the ends of channels."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._windows = Windows()
        self.newest = NewestReads(broker, self._windows)
        self._lines: dict[Topic, _Line] = {}

    @property
    def used(self) -> int:
        """Give the bytes that are kept for others."""
        return self._windows.used

    async def read(self, topic: Topic, after: int, limit: int) -> Stored:
        """Read up to `limit` kept publications after an offset, as the broker does, perhaps as of a moment ago.

        Where the answer has no publications, nothing that the topic knows of is left behind `after`. A topic
        with one user is read as if this were not here. Raises what the broker raises, for all who wait.
        """
        if topic.users < 2:
            return await self._broker.read(topic.channel, after, limit)
        found = self._windows.find(topic, after, limit)
        if found is not None:
            await trio.lowlevel.checkpoint()
            return found
        line = self._lines.setdefault(topic, _Line())
        question = _Question(after, limit)
        line.questions[question] = None
        try:
            return await self._answer(topic, line, question)
        finally:
            del line.questions[question]
            if not line.questions:
                del self._lines[topic]

    def forget(self, topic: Topic) -> None:
        """Let go of what was kept of a topic; a read that is under way may bring it for a moment more."""
        self._windows.forget(topic)

    def drop_old(self) -> None:
        """Let go of what was kept for long enough."""
        self._windows.drop_old()

    async def _answer(self, topic: Topic, line: _Line, question: _Question) -> Stored:
        """Wait for the read that runs, or make it where none does, until one of them answers the question."""
        while True:
            if line.finished is None:
                await self._read_for_all(topic, line, question)
            else:
                await line.finished.wait()
            if question.error is not None:
                raise question.error
            answer = question.answer or self._windows.find(topic, question.after, question.limit)
            if answer is not None:
                return answer

    async def _read_for_all(self, topic: Topic, line: _Line, question: _Question) -> None:
        """Read, and answer all who waited when that began; cut off, it leaves the read to one of them."""
        finished = line.finished = trio.Event()
        waiting = tuple(line.questions)
        after, limit = self._span(topic, question, alone=len(waiting) == 1)
        question.asked = True
        try:
            window = Window(after, await self._broker.read(topic.channel, after, limit))
        except (BrokerUnavailable, RequestError) as error:
            for each in line.questions:
                each.error = copy.copy(error)  # whoever raises one adds a traceback to it
        else:
            self._windows.keep(topic, window)
            for each in waiting:
                each.answer = window.answer(each.after, each.limit)
        finally:
            line.finished = None
            finished.set()

    def _span(self, topic: Topic, question: _Question, *, alone: bool) -> tuple[int, int]:
        """Choose where a read begins, and how many publications it brings: no more than asked for where nobody else asks.

        A read that began earlier may have been cut, in bytes, before it came to what was asked for.
        """
        after, limit = question.after, question.limit
        if question.asked or (alone and not self._windows.has(topic)):
            return after, limit
        if self._windows.reach(topic, after):
            return after, max(limit, REACH)
        return max(0, after - REACH), REACH + max(limit, REACH)
