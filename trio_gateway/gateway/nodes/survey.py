"""A survey asks every node, and waits for the answers of those that are there: each node is in the presence of one channel."""

from __future__ import annotations

import platform
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from uuid import uuid4

import attrs
import msgspec
import trio

from trio_gateway.broker.broker import Broker
from trio_gateway.gateway.nodes.clients import Clients
from trio_gateway.gateway.nodes.mailbox import Mailbox
from trio_gateway.hub.hub import Hub
from trio_gateway.hub.woken import Woken
from trio_gateway.model.channel import RESERVED_PREFIX
from trio_gateway.model.directives import NodeStatistics, Survey, SurveyAnswer
from trio_gateway.model.errors import BrokerUnavailable, RequestError
from trio_gateway.model.glob import compile_glob
from trio_gateway.model.logger import get_logger
from trio_gateway.model.presence import Member

NODES_CHANNEL = f"{RESERVED_PREFIX}nodes"

ANSWER_SECONDS = 1.0
"""For all nodes to answer; who asks waits no longer for one that was killed."""

CHANNELS_AT_ONCE = 2000
"""Of one part of an answer: with names of the default length at most some 600 KB."""

log = get_logger(__name__)

_answers = msgspec.json.Decoder(SurveyAnswer)


@attrs.define
class _Asked:
    """Hold a survey that is under way: who has not answered yet, and what came."""

    missing: set[str]
    answers: list[SurveyAnswer] = attrs.field(factory=list)
    complete: trio.Event = attrs.field(factory=trio.Event)

    def take(self, answer: SurveyAnswer) -> None:
        self.answers.append(answer)
        if not answer.more:
            self.missing.discard(answer.node)
        if not self.missing:
            self.complete.set()


class Surveys:
    """Ask all nodes, and answer for this one, which is `uid` and runs a `version` of the gateway."""

    def __init__(self, uid: str, version: str, hub: Hub, broker: Broker, clients: Clients) -> None:
        self._uid = uid
        self._version = version
        self._hub = hub
        self._broker = broker
        self._clients = clients
        self._started = trio.current_time()
        self._asked: dict[str, _Asked] = {}
        self._silent: set[str] = set()
        self._to_answer: deque[Survey] = deque(maxlen=1000)
        self._woken = Woken()
        self._mailbox = Mailbox(hub, _answers_channel(uid), _answers, self._hear)

    async def serve(self) -> None:
        """Be one of the nodes, and answer surveys, until cancelled."""
        member = Member(self._uid, "", b"{}")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._mailbox.serve)
            await self._hub.presence.join(NODES_CHANNEL, member)
            try:
                await self._answer_all()
            finally:
                self._hub.presence.leave_nowait(NODES_CHANNEL, self._uid)

    async def ask(
        self, say: Callable[[Survey], Awaitable[None]], *, channels: str | None = None
    ) -> Sequence[SurveyAnswer]:
        """Ask every node, and answer what came in time; raises BrokerUnavailable."""
        survey = Survey(uuid4().hex, self._uid, channels)
        present = {self._uid, *await self._broker.presence(NODES_CHANNEL)}
        self._silent &= present
        asked = self._asked[survey.id] = _Asked(present - self._silent)
        try:
            await say(survey)
            with trio.move_on_after(ANSWER_SECONDS):
                await asked.complete.wait()
        finally:
            del self._asked[survey.id]
        if asked.missing:
            log.warning("nodes gave no answer", nodes=sorted(asked.missing))
        self._silent |= asked.missing  # nobody waits for them again, until they speak
        return asked.answers

    def answer_soon(self, survey: Survey) -> None:
        """Answer a survey soon; where too many come the oldest go unanswered."""
        self._to_answer.append(survey)
        self._woken.set()

    async def _answer_all(self) -> None:
        while True:
            await self._woken.wait()
            while self._to_answer:
                survey = self._to_answer.popleft()
                try:
                    for answer in self._answers_to(survey):
                        data = msgspec.json.encode(answer)
                        await self._broker.publish(_answers_channel(survey.asker), data)
                except BrokerUnavailable:
                    log.debug("a survey goes unanswered, as the store is away")
                except RequestError as error:  # of its pattern, or of a name that nobody can publish to
                    log.info("a survey can't be answered", reason=str(error))

    def _answers_to(self, survey: Survey) -> Iterator[SurveyAnswer]:
        uid = self._uid
        if survey.channels is None:
            yield SurveyAnswer(survey.id, uid, statistics=self._statistics())
            return
        matches = compile_glob(survey.channels).match
        found = [(channel, count) for channel, count in self._hub.subscribers() if matches(channel)]
        for start in range(0, len(found), CHANNELS_AT_ONCE):
            part = dict(found[start : start + CHANNELS_AT_ONCE])
            yield SurveyAnswer(survey.id, uid, channels=part, more=start + CHANNELS_AT_ONCE < len(found))
        if not found:
            yield SurveyAnswer(survey.id, uid)

    def _statistics(self) -> NodeStatistics:
        channels = list(self._hub.subscribers())
        return NodeStatistics(
            uid=self._uid,
            name=platform.node(),
            version=self._version,
            num_clients=len(self._clients),
            num_users=self._clients.users,
            num_subs=sum(count for _channel, count in channels),
            num_channels=len(channels),
            uptime=int(trio.current_time() - self._started),
        )

    def _hear(self, answer: SurveyAnswer) -> None:
        self._silent.discard(answer.node)
        asked = self._asked.get(answer.id)
        if asked is not None:
            asked.take(answer)


def _answers_channel(node: str) -> str:
    return f"{RESERVED_PREFIX}answers:{node}"
