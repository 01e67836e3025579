"""A post is a message of a client whose connection goes one way: it comes by a request of its own, at whichever node.

What is for another node goes through the store, to a channel that this node alone follows, and is answered
the same way: who posts hears whether the session was there. A node answers at once, also where a client takes no more:
nobody's post waits there for another client, it is the one who posts that waits, and tries again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final
from uuid import uuid4

import attrs
import msgspec
import trio

from trio_gateway.broker.broker import Broker
from trio_gateway.gateway.nodes.mailbox import Mailbox
from trio_gateway.gateway.nodes.neighbours import Neighbours
from trio_gateway.gateway.transport.stream import Streams
from trio_gateway.hub.hub import Hub
from trio_gateway.hub.woken import Woken
from trio_gateway.model.channel import RESERVED_PREFIX
from trio_gateway.model.errors import BrokerUnavailable, RequestError, UnknownSession
from trio_gateway.model.logger import get_logger

ANSWER_SECONDS = 5.0
"""For a client to take a post; SDKs wait no longer for what a command comes to."""

RETRY_SECONDS = 0.05
"""After which a post that a client could not take is tried again; doubled each time."""

MAX_ANSWERS = 10_000
"""Answers that wait to be told to other nodes; who posted one of those beyond hears nothing."""

TAKEN: Final = "taken"
BUSY: Final = "busy"
UNKNOWN: Final = "unknown"

log = get_logger(__name__)


class Post(msgspec.Struct, frozen=True, tag_field="do", tag="post"):
    """Hand a message to a session; the answer goes to the node `sender`."""

    id: str
    sender: str
    session: str
    text: str


class Posted(msgspec.Struct, frozen=True, tag_field="do", tag="posted"):
    """Tell what became of posts, by their ids: TAKEN, BUSY or UNKNOWN."""

    outcomes: Mapping[str, str]


_words: msgspec.json.Decoder[Post | Posted] = msgspec.json.Decoder(Post | Posted)


@attrs.define
class _Outstanding:
    outcome: str = ""
    answered: trio.Event = attrs.field(factory=trio.Event)


class Posts:
    """Hand posts to the streams of the node `uid`, and of all other nodes."""

    def __init__(self, uid: str, hub: Hub, broker: Broker, streams: Streams) -> None:
        self._uid = uid
        self._broker = broker
        self._streams = streams
        self._mailbox = Mailbox(hub, _posts_channel(uid), _words, self._hear)
        self._outstanding: dict[str, _Outstanding] = {}
        self._neighbours = Neighbours(uid, broker)
        self._answers: deque[tuple[str, str, str]] = deque(maxlen=MAX_ANSWERS)
        self._woken = Woken()

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Take what other nodes hand over, until cancelled; reports as started at once."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._mailbox.serve)
            task_status.started()
            while True:
                await self._woken.wait()
                await self._answer_all()

    async def post(self, node: str, session: str, text: str) -> None:
        """Hand a message to the client that has a session at a node; returns when it is taken.

        Those that wait for each other's answer keep their order. Raises UnknownSession where none is there, and
        BrokerUnavailable where nobody knows, or the client takes no more for ANSWER_SECONDS.
        """
        reason = "the client's node does not answer"
        with trio.move_on_after(ANSWER_SECONDS):
            pause = RETRY_SECONDS
            while (outcome := await self._try(node, session, text)) == BUSY:
                reason = "the client is too busy to take more"
                await trio.sleep(pause)
                pause *= 2
            if outcome == UNKNOWN:
                raise UnknownSession("no client has this session: begin a new one")
            return
        raise BrokerUnavailable(reason)

    async def _try(self, node: str, session: str, text: str) -> str:
        if node == self._uid:
            return self._hand_over(session, text)
        if not await self._neighbours.may_have(node):
            return UNKNOWN
        post = Post(uuid4().hex, self._uid, session, text)
        outstanding = self._outstanding[post.id] = _Outstanding()
        try:
            await self._broker.publish(_posts_channel(node), msgspec.json.encode(post))
            await outstanding.answered.wait()  # at most for ANSWER_SECONDS
        finally:
            del self._outstanding[post.id]
        return outstanding.outcome

    def _hand_over(self, session: str, text: str) -> str:
        stream = self._streams.get(session)
        if stream is None:
            return UNKNOWN
        try:
            return TAKEN if stream.post_nowait(text.encode()) else BUSY
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return UNKNOWN

    def _hear(self, word: Post | Posted) -> None:
        if isinstance(word, Post):
            self._answers.append((word.sender, word.id, self._hand_over(word.session, word.text)))
            self._woken.set()
            return
        for id, outcome in word.outcomes.items():
            if (outstanding := self._outstanding.get(id)) is not None:
                outstanding.outcome = outcome
                outstanding.answered.set()

    async def _answer_all(self) -> None:
        """Tell each node what became of its posts, many at once."""
        by_sender: dict[str, dict[str, str]] = {}
        for sender, id, outcome in self._answers:
            by_sender.setdefault(sender, {})[id] = outcome
        self._answers.clear()
        for sender, outcomes in by_sender.items():
            try:
                await self._broker.publish(_posts_channel(sender), msgspec.json.encode(Posted(outcomes)))
            except BrokerUnavailable:
                log.debug("messages of another node go unanswered, as the store is away")
            except RequestError as error:  # of a name that nobody can publish to
                log.info("messages of another node can't be answered", reason=str(error))


def _posts_channel(node: str) -> str:
    return f"{RESERVED_PREFIX}posts:{node}"
